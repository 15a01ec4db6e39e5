"""One BLAS thread while a model is fitted: on small matrices two can take ten times as long."""

from contextlib import AbstractContextManager, nullcontext
from functools import cache

from threadpoolctl import ThreadpoolController


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


def one_thread() -> AbstractContextManager[object]:
    """Hold BLAS to one thread; the libraries are looked up once, since that takes a millisecond."""
    if all(library.num_threads == 1 for library in _controller().lib_controllers if library.user_api == "blas"):
        return nullcontext()
    limited: AbstractContextManager[object] = _controller().limit(limits=1, user_api="blas")
    return limited
