"""A child process may do what it likes: the parent gets one line, and the next request gets an answer."""

import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from relmer.reference.engines.child import Child, plain_text, sendable
from relmer.reference.engines.errors import EngineError, EngineUnsupported

UNRULY = """
import os, subprocess, sys, time
from relmer.reference.engines.child import serve
from relmer.reference.engines.errors import EngineUnsupported

def answer(request):
    match request["op"]:
        case "echo":
            return request
        case "abort":
            print("first line\\\\n\\x1b[31mlast line", flush=True)
            os.abort()
        case "exit":
            sys.exit(3)
        case "hang":
            time.sleep(600)
        case "raise":
            raise ValueError("no such\\x07\\\\nthing")
        case "refuse":
            raise EngineUnsupported("no such\\x07\\\\nmodel")
        case "flood":
            for _ in range(request["lines"]):
                print("x" * 9999)
            return {}
        case "allocate":
            return {"bytes": len(bytearray(request["bytes"]))}
        case "offspring":
            return {"pid": subprocess.Popen(["sleep", "600"]).pid}
        case "limits":
            return {name: os.environ.get(name) for name in request["names"]}

serve(answer)
""".replace("\\\\n", "\\n")

RAW = """
import socket, struct, sys, time
channel = socket.socket(fileno=int(sys.argv[-2]))
channel.recv(2**16)
channel.sendall({body})
time.sleep(600)
"""


@pytest.fixture
def unruly(tmp_path: Path):
    program = tmp_path / "unruly.py"
    program.write_text(UNRULY)
    child = Child("unruly", [str(program)], {"EXTRA": "yes"}, memory_bytes=3 * 2**30)
    yield child
    child.close()


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone_soon(pid: int) -> bool:
    deadline = time.monotonic() + 10
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(pid)


def failure(child: Child, seconds: float = 30, **message: object) -> str:
    with pytest.raises(EngineError) as caught:
        child.request(message, seconds)
    text = str(caught.value)
    assert text == plain_text(text, 2000), "an error is one plain line"
    return text


def test_answers_come_back_exactly_and_one_child_answers_all(unruly):
    sent = {
        "op": "echo",
        "numbers": [0.1, 1e-320, 1.7976931348623157e308, -0.0],
        "text": "é\n\x1b",
        "none": None,
    }
    assert unruly.request(sent, 30) == sent
    assert repr(unruly.request(sent, 30)["numbers"]) == repr(sent["numbers"])
    assert unruly.starts == 1


def test_a_message_larger_than_any_pipe_buffer(unruly):
    numbers = [k / 7 for k in range(300_000)]
    assert unruly.request({"op": "echo", "numbers": numbers}, 60)["numbers"] == numbers


def test_nothing_runs_before_the_first_request(unruly):
    assert (unruly.starts, unruly.process_id) == (0, None)


@pytest.mark.parametrize(
    ("operation", "expected"),
    [("abort", ["signal SIGABRT", "first line | [31mlast line"]), ("exit", ["exit status 3", "nothing"])],
)
def test_a_child_that_dies_is_reported_with_its_last_words_and_replaced(unruly, operation, expected):
    text = failure(unruly, op=operation)
    assert text.startswith(f"unruly: child process stopped during {operation!r}")
    assert all(part in text for part in expected)
    assert unruly.request({"op": "echo"}, 30) == {"op": "echo"}
    assert unruly.starts == 2


def test_a_child_that_hangs_is_killed_with_its_offspring(unruly):
    offspring = unruly.request({"op": "offspring"}, 30)["pid"]
    hanging = unruly.process_id
    assert alive(offspring)
    assert "no answer to 'hang' within 0.5 s" in failure(unruly, 0.5, op="hang")
    assert gone_soon(hanging)
    assert gone_soon(offspring)
    assert unruly.request({"op": "echo"}, 30) == {"op": "echo"}


def test_an_exception_is_an_answer_and_the_child_lives_on(unruly):
    assert failure(unruly, op="raise") == "unruly: ValueError: no such thing"
    assert unruly.request({"op": "echo"}, 30) == {"op": "echo"}
    assert unruly.starts == 1


def test_what_a_child_does_not_do_is_no_failure_of_it(unruly):
    with pytest.raises(EngineUnsupported) as refusal:
        unruly.request({"op": "refuse"}, 30)
    assert str(refusal.value) == "unruly: no such model"
    assert unruly.request({"op": "echo"}, 30) == {"op": "echo"}
    assert unruly.starts == 1


def test_printing_much_is_no_failure_and_printing_without_end_meets_a_limit(unruly):
    assert unruly.request({"op": "flood", "lines": 2_000}, 60) == {}
    assert "File too large" in failure(unruly, 60, op="flood", lines=10_000)
    assert unruly.request({"op": "echo"}, 30) == {"op": "echo"}


def test_last_words_belong_to_the_request_that_failed(unruly):
    unruly.request({"op": "flood", "lines": 5}, 30)
    assert "xxx" not in failure(unruly, op="exit")


def test_temporary_files_of_a_killed_child_are_removed(unruly):
    (folder,) = unruly.request({"op": "limits", "names": ["TMPDIR"]}, 30).values()
    Path(folder, "left").write_text("behind")
    failure(unruly, op="abort")
    assert not Path(folder).exists()


def test_memory_is_limited(unruly):
    assert unruly.request({"op": "allocate", "bytes": 2**28}, 30) == {"bytes": 2**28}
    assert "MemoryError" in failure(unruly, op="allocate", bytes=4 * 2**30)


def test_the_environment_holds_libraries_to_one_thread(unruly):
    names = ["OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "LC_ALL", "EXTRA"]
    found = unruly.request({"op": "limits", "names": names}, 30)
    assert list(found.values()) == ["1", "1", "C.UTF-8", "yes"]


def test_close_is_final_until_the_next_request(unruly):
    unruly.request({"op": "echo"}, 30)
    first = unruly.process_id
    unruly.close()
    unruly.close()
    assert gone_soon(first)
    unruly.request({"op": "echo"}, 30)
    assert unruly.process_id not in (None, first)


def framed(body: bytes) -> str:
    return f"struct.pack('>Q', {len(body)}) + {body!r}"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (framed(b"\x80\x04N."), "something other than JSON in answer to 'go'"),
        (framed(b'{"value": NaN}'), "something other than JSON"),
        (framed(b"[" * 100_000), "something other than JSON"),
        (framed(b"[1]"), "something other than a JSON object"),
        (framed(b'{"value": 1}'), "no value"),
        ("b'\\xff' * 8", "a message of 18446744073709551615 bytes"),
        ("b'\\x00' * 7", "no answer to 'go' within 2 s"),
        ("struct.pack('>Q', 9) + b'half'", "no answer to 'go' within 2 s"),
    ],
)
def test_nonsense_from_the_child_ends_it(tmp_path, body, expected):
    program = tmp_path / "raw.py"
    program.write_text(RAW.format(body=body))
    child = Child("raw", [str(program)])
    assert expected in failure(child, 2, op="go")
    assert child.process_id is None


def test_a_program_that_does_not_start_is_quoted(tmp_path):
    child = Child("none", [str(tmp_path / "none.py")])
    assert "No such file or directory" in failure(child, op="go")


@pytest.mark.parametrize("last", ["", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_a_child_does_not_outlive_its_parent(tmp_path, last):
    program = tmp_path / "unruly.py"
    program.write_text(UNRULY)
    parent = (
        "import os, signal\n"
        "from relmer.reference.engines.child import Child\n"
        f"child = Child('unruly', [{str(program)!r}])\n"
        "child.request({'op': 'echo'}, 30)\n"
        f"print(child.process_id, flush=True)\n{last}\n"
    )
    done = subprocess.run([sys.executable, "-c", parent], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == (-signal.SIGKILL if last else 0), done.stderr
    assert gone_soon(int(done.stdout))


def test_a_fork_of_the_parent_leaves_its_child_alone_and_starts_its_own(unruly):
    unruly.request({"op": "echo"}, 30)
    first = unruly.process_id
    fork = os.fork()
    if fork == 0:
        try:
            fine = unruly.process_id is None and unruly.request({"op": "echo"}, 30) == {"op": "echo"}
            fine = fine and unruly.process_id not in (None, first)
            unruly.close()
            os._exit(0 if fine else 1)
        finally:
            os._exit(2)
    assert os.waitpid(fork, 0)[1] == 0
    assert unruly.process_id == first
    assert unruly.request({"op": "echo"}, 30) == {"op": "echo"}
    assert unruly.starts == 1


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("boundary (singular) fit\n", "boundary (singular) fit"),
        ("a\x00b\x9bc\u202ed\u200be", "a b c d e"),
        ("x" * 30, "x" * 30),
        ("x" * 31, "x" * 29 + "…"),
        (" " * 200 + "late", "…"),
    ],
)
def test_plain_text(given, expected):
    assert plain_text(given, 30) == expected


@pytest.mark.parametrize("value", [0.1, -0.0, float("inf"), float("-inf"), float("nan")])
def test_every_double_is_sendable(value):
    sent = sendable(value)
    assert repr(float(sent)) == repr(value)
    assert isinstance(sent, str) == (not math.isfinite(value))
