"""Where blocks are worked on: in processes of this machine (loky), or on the workers of a Dask scheduler (`on_dask`).

Both take tasks as they can be begun, and give what came of each as soon as it is there: bytes, or nothing where its
worker was lost. So many are under way as keep all workers busy, whatever the number of tasks.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Protocol

import loky
from loky.process_executor import BrokenProcessPool

from relmer.reference.engines import remove_abandoned
from relmer.reports.sweeps.blocks import Block

Work = Callable[[Block], bytes]
# Tasks under way for each worker: the one that it does, and the next.
AHEAD = 2
SECONDS_TO_END = 0.5


class Backend(Protocol):
    """Where blocks are worked on."""

    def results(self, work: Work, blocks: Iterator[Block]) -> Iterator[tuple[Block, bytes | None]]:
        """What comes of every block, in any order; nothing where the worker that had it was lost."""

    def close(self) -> None:
        """End what was begun."""


class Processes:
    """Processes of this machine."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._pool: loky.ProcessPoolExecutor | None = None

    def results(self, work: Work, blocks: Iterator[Block]) -> Iterator[tuple[Block, bytes | None]]:
        """What comes of every block; after the loss of a worker all that was under way is given as lost."""
        under_way: dict[loky.Future, Block] = {}
        more = True
        while more or under_way:
            while more and len(under_way) < AHEAD * self.workers:
                block = next(blocks, None)
                if block is None:
                    more = False
                    break
                under_way[self._open().submit(work, block)] = block
            if not under_way:
                break
            done, _ = loky.wait(under_way, return_when=loky.FIRST_COMPLETED)
            lost = False
            for future in done:
                block = under_way.pop(future)
                try:
                    found = future.result()
                except BrokenProcessPool:
                    lost = True
                    yield block, None
                else:
                    yield block, found
            if lost:
                self.close()
                for block in under_way.values():
                    yield block, None
                under_way.clear()

    def close(self) -> None:
        """End the workers, and the engines that they have started."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, kill_workers=True)
            self._pool = None
            remove_abandoned()

    def _open(self) -> loky.ProcessPoolExecutor:
        if self._pool is None:
            self._pool = loky.ProcessPoolExecutor(self.workers, initializer=give_way, initargs=(os.getpid(),))
        return self._pool


def give_way(parent: int) -> None:
    """In a worker: an interrupt is the parent's; when that has ended, however it did, this ends with its children."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))

    def follow() -> None:
        while os.getppid() == parent:
            time.sleep(SECONDS_TO_END)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
        time.sleep(SECONDS_TO_END)
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
