"""Work in several processes, which end with the one that started them."""

import os
import signal
import sys
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import active_children, get_context, parent_process, resource_tracker
from threading import Thread, main_thread
from typing import TypeVar

from relmer.reference.engines import remove_abandoned

SECONDS_TO_END = 0.5
Given = TypeVar("Given")
Result = TypeVar("Result")


def finished(
    work: Callable[[Given], Result], given: Sequence[Given], jobs: int
) -> Generator[tuple[int, Result], None, None]:
    """Work in `jobs` processes; give the place and the result of each piece as it is done.

    However it ends, no process is left behind.
    """
    if jobs <= 1:
        yield from enumerate(map(work, given))
        return
    others = {*active_children()}
    # Workers inherit a blocked SIGINT: an interrupt is the parent's, which then ends them. The resource tracker, which
    # the first worker would start, unblocks it on its way: so it is there before.
    resource_tracker.ensure_running()
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=give_way)
    try:
        waiting = {pool.submit(work, piece): place for place, piece in enumerate(given)}
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for done in as_completed(waiting):
            yield waiting[done], done.result()
        pool.shutdown()
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        workers = {*active_children()} - others
        for worker in workers:
            worker.terminate()
        time.sleep(SECONDS_TO_END)
        for worker in workers:
            worker.kill()
            worker.join()
        remove_abandoned()
        raise
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def give_way() -> None:
    """In a worker: when it is to end, it leaves what it does, and ends the children that are busy."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    Thread(target=follow, daemon=True).start()


def follow() -> None:
    """In a worker: end when the process that started it has ended, however it did, as that would have ended it."""
    parent = parent_process()
    assert parent is not None
    parent.join()
    signal.pthread_kill(main_thread().ident or 0, signal.SIGTERM)
    time.sleep(SECONDS_TO_END)
    os._exit(1)
