"""Blocks on the workers of a Dask scheduler. The rows come back and are written here: no disk need be shared."""

from collections.abc import Iterator

from distributed import CancelledError, Client, Future, KilledWorker, as_completed
from distributed.comm import CommClosedError

from relmer.datasets import DataError
from relmer.reports.sweeps.backends import AHEAD, Work
from relmer.reports.sweeps.blocks import Block

SECONDS_TO_CONNECT, SECONDS_FOR_A_WORKER = 10.0, 60.0


class Dask:
    """The workers of a scheduler.

    Raises
    ------
    DataError
        Nobody answers at the address, or no worker comes; one line.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        try:
            self._client = Client(address, timeout=SECONDS_TO_CONNECT, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            raise DataError(f"no Dask scheduler answers at {address:.80}: start one with `dask scheduler`") from error
        try:
            self._client.wait_for_workers(1, timeout=SECONDS_FOR_A_WORKER)
        except TimeoutError:
            self.close()
            told = f"the scheduler at {address:.80} has no worker: start some with `dask worker {address:.80}`"
            raise DataError(told) from None

    def results(self, work: Work, blocks: Iterator[Block]) -> Iterator[tuple[Block, bytes | None]]:
        """What comes of every block; one that the scheduler gave up, as it had ended some workers, is given as lost."""
        under_way = dict[Future, Block]()
        coming = as_completed(loop=self._client.loop)
        try:
            for block in blocks:
                future = self._client.submit(work, block, pure=False, retries=0)
                under_way[future] = block
                coming.add(future)
                while len(under_way) >= AHEAD * max(1, self._threads()):
                    yield self._next(coming, under_way)
            while under_way:
                yield self._next(coming, under_way)
        except (CancelledError, CommClosedError, TimeoutError) as error:
            told = f"the scheduler at {self.address:.80} has gone; what is done is kept: give the same command again"
            raise DataError(told) from error

    def _next(self, coming: as_completed, under_way: dict[Future, Block]) -> tuple[Block, bytes | None]:
        future = next(coming)
        block = under_way.pop(future)
        try:
            return block, future.result()
        except KilledWorker:
            return block, None
        finally:
            future.release()

    def _threads(self) -> int:
        return sum(self._client.nthreads().values())

    def close(self) -> None:
        """Leave the scheduler; what it has not begun is not begun."""
        self._client.close(timeout=SECONDS_TO_CONNECT)
