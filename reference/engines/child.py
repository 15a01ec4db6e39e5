"""Run an engine in a child process that may crash, hang, print or quit without taking the run along.

The parent holds a `Child` and sends it requests; the child program calls `serve`. They share one end each
of a socket pair and exchange JSON, each message behind its length. What comes back is untrusted: it is never
unpickled, its size is bounded, and its text is stripped of control characters before anyone reads it.
"""

import contextlib
import json
import math
import os
import re
import resource
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unicodedata
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

from relmer.reference.engines import folders
from relmer.reference.engines.errors import EngineError, EngineUnsupported, TimedOut

MEMORY_BYTES = 8 * 2**30
OUTPUT_BYTES = 64 * 2**20
MESSAGE_BYTES = 2**30
ENVIRONMENT = {
    "LC_ALL": "C.UTF-8",
    "LANGUAGE": "en",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}
LENGTH = struct.Struct(">Q")
FOREVER = math.inf
# Of a child whose channel is closed: it is ending, which on a loaded machine takes its time.
ENDING = 10.0
# Signals by which people, services and a system without memory end a process.
FROM_OUTSIDE = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGKILL)


def plain_text(text: str, length: int = 500) -> str:
    r"""One line of at most `length` characters: no control or formatting characters, single spaces.

    Examples
    --------
    >>> plain_text("a\x1b[31m\n b")
    'a [31m b'
    """
    visible = "".join(" " if unicodedata.category(letter).startswith("C") else letter for letter in text[: 4 * length])
    line = " ".join(visible.split())
    return line if len(line) <= length and len(text) <= 4 * length else line[: length - 1] + "…"


@dataclass(frozen=True)
class _Running:
    """A started child: its process, our end of the sockets, the file for its output, its temporary folder."""

    process: subprocess.Popen[bytes]
    channel: socket.socket
    output: IO[bytes]
    folder: str
    lock: int
    owner: int


class Child:
    """A child process that answers requests; started by the first one, and again by the next after a failure.

    Parameters
    ----------
    name
        How messages call it.
    arguments
        What follows the Python interpreter on the command line: ``("-m", "package.module")`` or a path. The
        program calls `serve`.
    environment
        Variables that the child gets in addition to the parent's own and to `ENVIRONMENT`.
    memory_bytes
        Limit on the child's address space.
    withheld
        A regular expression: variables of the parent whose whole name matches are not handed on.
    message_bytes
        Limit on the size of an answer.
    """

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        environment: Mapping[str, str] | None = None,
        memory_bytes: int = MEMORY_BYTES,
        *,
        withheld: str = "",
        message_bytes: int = MESSAGE_BYTES,
    ) -> None:
        self.name = name
        self.starts = 0
        self._arguments = tuple(arguments)
        self._environment = dict(environment or {})
        self._memory_bytes = memory_bytes
        self._withheld = withheld
        self._message_bytes = message_bytes
        self._finalizer: weakref.finalize[..., Child] | None = None
        self._running: _Running | None = None

    @property
    def process_id(self) -> int | None:
        """Process id of the running child, or None."""
        return self._running.process.pid if self._running is not None and self._is_mine() else None

    def request(self, message: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        """Send `message` (with an entry "op") and return the answer; after `seconds` the child is killed.

        Raises
        ------
        EngineUnsupported
            The child does not do such a case.
        EngineError
            The child reported an error (it lives on), or it crashed, hung or answered nonsense (it is gone,
            and the next request starts another).
        """
        try:
            running = self._start()
        except OSError as error:
            raise EngineError(f"{self.name}: no child process can be started: {words(error)}") from None
        operation = plain_text(str(message.get("op")), 40)
        deadline = time.monotonic() + seconds
        try:
            _send(running.channel, message, deadline)
            reply = _receive(running.channel, deadline, self._message_bytes)
            _forget(running.output)
            return self._value(reply, operation)
        except TimeoutError:
            self.close()
            raise TimedOut(
                f"{self.name}: no answer to {operation!r} within {seconds:g} s, child process killed; "
                "allow more seconds or try a smaller case"
            ) from None
        except (EOFError, OSError):
            raise EngineError(
                f"{self.name}: child process stopped during {operation!r} {self._autopsy(ENDING)}"
            ) from None
        except _Nonsense as nonsense:
            raise EngineError(
                f"{self.name}: {nonsense} in answer to {operation!r}, child process killed {self._autopsy(0.0)}"
            ) from None
        except BaseException as error:
            if not isinstance(error, EngineError):
                self.close()
            raise

    def close(self) -> None:
        """Kill the child and all that it started; a later request starts another."""
        if self._finalizer is not None:
            self._finalizer()
        self._finalizer = None
        self._running = None

    def _value(self, reply: object, operation: str) -> dict[str, Any]:
        if not isinstance(reply, dict):
            raise _Nonsense("something other than a JSON object")
        if "refused" in reply:
            raise EngineUnsupported(f"{self.name}: {plain_text(str(reply['refused']))}")
        if "error" in reply:
            raise EngineError(f"{self.name}: {plain_text(str(reply['error']))}")
        value = reply.get("value")
        if not isinstance(value, dict):
            raise _Nonsense("no value")
        return value

    def _is_mine(self) -> bool:
        return self._running is not None and self._running.owner == os.getpid()

    def _start(self) -> _Running:
        if self._running is not None and self._is_mine():
            return self._running
        with contextlib.ExitStack() as undone:
            self._running = running = self._started(undone)
            undone.pop_all()
        self.starts += 1
        self._finalizer = weakref.finalize(self, _end, running)
        return running

    def _started(self, undone: contextlib.ExitStack) -> _Running:
        """Start the child; what was opened on the way is closed by `undone` if that fails."""
        ours, theirs = socket.socketpair()
        undone.callback(ours.close)
        undone.callback(theirs.close)
        output = undone.enter_context(tempfile.TemporaryFile())  # noqa: SIM115  as long-lived as the child
        folder, lock = folders.held_folder()
        undone.callback(folders.release, folder, lock)
        handed_on = {name: value for name, value in os.environ.items() if not re.fullmatch(self._withheld, name)}
        command = [sys.executable, "-P", *self._arguments, str(theirs.fileno()), str(self._memory_bytes)]
        with theirs:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**handed_on, **ENVIRONMENT, **self._environment, "TMPDIR": folder},
                pass_fds=[theirs.fileno(), lock],
                start_new_session=True,
            )
        return _Running(process, ours, output, folder, lock, os.getpid())

    def _autopsy(self, seconds: float) -> str:
        """Why the child ended and the last lines that it printed, in parentheses; leaves no child behind."""
        running = self._running
        if running is None:
            return ""
        with contextlib.suppress(subprocess.TimeoutExpired):
            running.process.wait(timeout=seconds)
        reason, said = _reason(running.process.returncode), _last_words(running.output)
        self.close()
        return f"({reason}; last printed: {said or 'nothing'})"


class _Nonsense(Exception):
    """A message that breaks the protocol."""


def _reason(status: int | None) -> str:
    if status is None:
        return "it was still running"
    if status < 0:
        return f"signal {signal.Signals(-status).name}"
    return f"exit status {status}"


def ended_from_outside(message: str) -> bool:
    """Whether an error of a child says that somebody else ended it: then it is no answer to what was asked.

    Examples
    --------
    >>> ended_from_outside("lme4: child process stopped during 'fit' (signal SIGKILL; last printed: nothing)")
    True
    >>> ended_from_outside("lme4: child process stopped during 'fit' (signal SIGSEGV; last printed: nothing)")
    False
    """
    return any(f"({_reason(-number)};" in message for number in FROM_OUTSIDE)


def _last_words(output: IO[bytes]) -> str:
    output.seek(max(0, output.seek(0, os.SEEK_END) - 2000))
    lines = output.read().decode(errors="replace").splitlines()
    return plain_text(" | ".join(line for line in lines[-5:] if line.strip()), 300)


def _forget(output: IO[bytes]) -> None:
    """Empty the file, whose position parent and child share: last words belong to one request."""
    output.seek(0)
    output.truncate()


def _end(running: _Running) -> None:
    """Kill the process group, reap the leader, remove its files; a fork of the parent only hangs up."""
    if running.owner == os.getpid():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(running.process.pid, signal.SIGKILL)
        running.process.wait()
        folders.release(running.folder, running.lock)
    running.channel.close()
    running.output.close()


def serve(answer: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Answer requests until the parent hangs up: the child's whole program.

    The last two command-line arguments are the socket's descriptor and the limit on memory. An exception that
    `answer` raises is reported to the parent, and the child goes on. A process that `answer` forked off and that came
    back ends here: one child gives one answer.
    """
    mine = os.getpid()
    descriptor, memory_bytes = int(sys.argv[-2]), int(sys.argv[-1])
    os.set_inheritable(descriptor, False)
    _limit(resource.RLIMIT_AS, memory_bytes)
    _limit(resource.RLIMIT_FSIZE, OUTPUT_BYTES)
    with socket.socket(fileno=descriptor) as channel:
        while True:
            try:
                message = _receive(channel, FOREVER, MESSAGE_BYTES)
            except (EOFError, ConnectionError):
                return
            try:
                reply: dict[str, Any] = {"value": answer(message)}
            except EngineError as error:
                reply = {"refused" if isinstance(error, EngineUnsupported) else "error": words(error)}
            except Exception as error:
                reply = {"error": f"{type(error).__name__}: {words(error)}".rstrip(": ")}
            if os.getpid() != mine:
                os._exit(0)
            _send(channel, reply, FOREVER)


def _limit(what: int, size: int) -> None:
    """Lower a limit of this process; one that is lower already stays."""
    _, hard = resource.getrlimit(what)
    least = size if hard == resource.RLIM_INFINITY else min(size, hard)
    resource.setrlimit(what, (least, least))


def words(error: BaseException) -> str:
    """What an error says, in one line of bounded length; nothing if it cannot even say that."""
    try:
        return plain_text(str(error))
    except Exception:
        return "(its message cannot be read)"


def _send(channel: socket.socket, message: Mapping[str, Any], deadline: float) -> None:
    body = json.dumps(message, allow_nan=False).encode()
    channel.settimeout(_remaining(deadline))
    channel.sendall(LENGTH.pack(len(body)) + body)


def _receive(channel: socket.socket, deadline: float, most_bytes: int) -> Any:
    (length,) = LENGTH.unpack(_exactly(channel, LENGTH.size, deadline))
    if length > most_bytes:
        raise _Nonsense(f"a message of {length} bytes")
    try:
        return json.loads(_exactly(channel, length, deadline), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise _Nonsense("something other than JSON") from None


def _exactly(channel: socket.socket, count: int, deadline: float) -> bytes:
    received = bytearray()
    while len(received) < count:
        channel.settimeout(_remaining(deadline))
        part = channel.recv(min(count - len(received), 2**20))
        if not part:
            raise EOFError
        received += part
    return bytes(received)


def _remaining(deadline: float) -> float | None:
    """Seconds until `deadline`, None if there is none."""
    if deadline == FOREVER:
        return None
    remaining = deadline - time.monotonic()
    if remaining <= 0:
        raise TimeoutError
    return remaining


def _no_constant(name: str) -> float:
    raise ValueError(name)


def sendable(value: float) -> float | str:
    """A number as JSON can carry it: itself if finite, else a word that float() reads back."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
