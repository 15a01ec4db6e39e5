"""R as a plain process: any command that starts an `Rscript`, here, in a container, in a chroot, on another machine.

Nothing of this project need be there: R reads its program from standard input, then a line for each call, and answers
each with a line of JSON. Calls have numbers, and an answer has that of its call: one that comes late, twice or ahead
is no other call's. What else is printed goes to standard error.
"""

import base64
import contextlib
import json
import secrets
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from relmer.reference.engines import EngineError, plain_text, sendable

PROGRAM = Path(__file__).with_name("rscript.R")
# What is read from standard input is the program: `-` is the file that Rscript runs.
ARGUMENTS = ("--vanilla", "-")
MISSING_INTEGER = -(2**31)
# R's NA among doubles: a NaN whose low word is 1954. Any other NaN is NaN.
MISSING_DOUBLE = np.array([0x7FF80000000007A2], dtype="<u8").view("<f8")[0]
LINE_BYTES = 2**30
# Seconds for an R whose output ended to end, too.
ENDING = 10.0


class SpokenR:
    """R behind a command, with the values that it takes and gives; `embedded_r` has the same for R in this process.

    A call is sent when its value is wanted, by `plain`: one may be the argument of another.

    Parameters
    ----------
    command
        What starts Rscript; the last word is Rscript, or a program that hands its arguments on to it.
    source
        The text of the R functions that may be called.
    seconds, memory_bytes
        Limits that R puts on itself, for a call and for its vectors.
    """

    def __init__(self, command: Sequence[str], source: str, seconds: float, memory_bytes: int) -> None:
        self._command, self._source = tuple(command), source
        self._seconds, self._megabytes = seconds, memory_bytes // 2**20
        self._mark = secrets.token_hex(8)
        self._number = 0
        self._process: subprocess.Popen[bytes] | None = None

    def call(self, name: str, *arguments: Any) -> dict[str, Any]:
        """A call of an R function, not yet made."""
        return {"call": name, "arguments": list(arguments)}

    def plain(self, value: dict[str, Any]) -> Any:
        """Carry out a call; its value as JSON can carry it, as `embedded_r.plain` gives it."""
        return decoded(self._asked({**value, "seconds": self._seconds}))

    def numbers(self, values: Iterable[float | str | None]) -> dict[str, Any]:
        """Doubles; None is NA, and "NaN", "Infinity" and "-Infinity" are what they say."""
        return bits("doubles", [MISSING_DOUBLE if value is None else float(value) for value in values], "<f8")

    def integers(self, values: Iterable[int | None]) -> dict[str, Any]:
        """Integers; None is NA."""
        return bits("integers", [MISSING_INTEGER if value is None else value for value in values], "<i4")

    def logicals(self, values: Iterable[bool | None]) -> dict[str, Any]:
        """Logical values; None is NA."""
        return {"logicals": self.integers(values)["integers"]}

    def texts(self, values: Iterable[str | None]) -> dict[str, Any]:
        """Character strings; None is NA."""
        return {"texts": list(values)}

    def entries(self, values: Iterable[Any]) -> dict[str, Any]:
        """A list of R values."""
        return {"entries": list(values)}

    def carrier(self) -> dict[str, list[str]]:
        """How R is reached, for the record: nothing that a repeat would need."""
        return {}

    def loaded(self) -> list[dict[str, Any]]:
        """The libraries of linear algebra that this process has loaded for R: none."""
        return []

    def _asked(self, message: dict[str, Any]) -> Any:
        """Send a message and read the answer; where R has ended, so does this process, with R's exit status."""
        process = self._started()
        self._number += 1
        try:
            send(process, self._number, message)
            reply = self._reply(process)
        except BrokenPipeError:
            reply = None
        if reply is None:
            sys.exit(ended(process))
        if "error" in reply:
            raise EngineError(plain_text(str(reply["error"])))
        return reply.get("value")

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            try:
                self._process = subprocess.Popen(
                    [*self._command, *ARGUMENTS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=-1
                )
            except (OSError, ValueError) as error:
                raise EngineError(f"command {self._command[0]!r:.100} cannot be started: {error}") from None
            program = PROGRAM.read_text(encoding="ascii")
            with contextlib.suppress(BrokenPipeError):
                write(self._process, f'local({{\n{program}\nserve("{self._mark}")\n}})\n')
            self._asked({"source": self._source, "megabytes": self._megabytes})
        return self._process

    def _reply(self, process: subprocess.Popen[bytes]) -> dict[str, Any] | None:
        """The next answer; None where R has ended, or says what is no answer, or more than anybody would read.

        What it says behind such a line might be taken for the answer to the next call: it is not asked again.
        """
        assert process.stdout is not None
        mark = f"{self._mark} {self._number} ".encode()
        while (line := line_of(process.stdout)).endswith(b"\n"):
            if line.startswith(mark):
                return answered(line.removeprefix(mark))
            if line.strip():
                # What is kept of it has an end; what it prints may have none.
                with contextlib.suppress(OSError):
                    sys.stderr.buffer.write(line[:2000])
                    sys.stderr.flush()
        return None


def line_of(stream: IO[bytes]) -> bytes:
    """The next line; nothing where it is longer than memory takes."""
    try:
        return stream.readline(LINE_BYTES)
    except MemoryError:
        return b""


def answered(text: bytes) -> dict[str, Any] | None:
    """The JSON object of an answer; None, and a line on standard error, where it is none. NaN is no JSON.

    Examples
    --------
    >>> answered(b'{"value": 7}'), answered(b"[7]"), answered(b'{"value": NaN}')
    ({'value': 7}, None, None)
    """
    try:
        reply = json.loads(text, parse_constant=refused)
    except (ValueError, RecursionError, MemoryError) as error:
        sys.stderr.write(f"the answer is not JSON: {type(error).__name__}: {plain_text(str(error), 100)}\n")
        return None
    return reply if isinstance(reply, dict) else None


def refused(constant: str) -> None:
    """Refuse a number that JSON has not.

    Raises
    ------
    ValueError
        Always.
    """
    raise ValueError(f"{constant} is no number of JSON")


def bits(kind: str, values: Sequence[Any], dtype: str) -> dict[str, str]:
    """Numbers as their bits in base64."""
    return {kind: base64.b64encode(np.array(values, dtype=dtype).tobytes()).decode()}


def decoded(value: Any) -> Any:
    """What R answered, with numbers in the place of their bits.

    Examples
    --------
    >>> decoded({"y": bits("doubles", [0.1, float("inf")], "<f8"), "n": bits("integers", [3, -2**31], "<i4")})
    {'y': [0.1, 'Infinity'], 'n': [3, None]}
    """
    if isinstance(value, list):
        return [decoded(part) for part in value]
    if not isinstance(value, dict):
        return value
    match value:
        case {"doubles": str(text)}:
            return [sendable(number) for number in np.frombuffer(base64.b64decode(text), "<f8").tolist()]
        case {"integers": str(text)}:
            codes = np.frombuffer(base64.b64decode(text), "<i4").tolist()
            return [None if code == MISSING_INTEGER else code for code in codes]
    return {name: decoded(part) for name, part in value.items()}


def send(process: subprocess.Popen[bytes], number: int, message: dict[str, Any]) -> None:
    """Send a message, behind its number, as a line of ASCII, which every locale reads alike."""
    write(process, f"{number} {json.dumps(message, allow_nan=False)}\n")


def write(process: subprocess.Popen[bytes], text: str) -> None:
    """Write to R's standard input."""
    assert process.stdin is not None
    process.stdin.write(text.encode("ascii"))
    process.stdin.flush()


def ended(process: subprocess.Popen[bytes]) -> int:
    """Exit status of R, that of a shell where a signal ended it; 1 where it ended without a fault or goes on.

    Who goes on reads the end of its calls, and writes to nobody.
    """
    for stream in (process.stdin, process.stdout):
        with contextlib.suppress(OSError):
            if stream is not None:
                stream.close()
    try:
        status = process.wait(timeout=ENDING)
    except subprocess.TimeoutExpired:
        return 1
    return 128 - status if status < 0 else status or 1
