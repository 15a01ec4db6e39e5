"""Workers leave an interrupt to the process that started them, from their first moment on."""

import signal
import subprocess
import sys
from functools import partial

from relmer.reports.processes import finished

IN_A_NEW_PROCESS = """
import signal
from functools import partial
from relmer.reports.processes import finished
if __name__ == "__main__":
    for place, blocked in sorted(finished(partial(signal.pthread_sigmask, signal.SIG_BLOCK), [set()] * 4, jobs=2)):
        print(place, signal.SIGINT in blocked)
"""


def test_every_worker_blocks_interrupts_in_a_process_that_has_started_none_before() -> None:
    done = subprocess.run([sys.executable, "-c", IN_A_NEW_PROCESS], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0", "True", "1", "True", "2", "True", "3", "True"]


def test_the_parent_does_not_block_them() -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, set())
    for _, blocked in finished(partial(signal.pthread_sigmask, signal.SIG_BLOCK), [set(), set()], jobs=2):
        assert signal.SIGINT in blocked
    assert signal.pthread_sigmask(signal.SIG_BLOCK, set()) == before
