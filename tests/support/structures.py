"""Small models of several factors as they are solved, all at once, or factor by factor as large ones are."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from relmer.solver.elimination import joint


@contextmanager
def eliminated(at_once: bool) -> Iterator[None]:
    """Let no model be small unless `at_once`."""
    with pytest.MonkeyPatch.context() as patch:
        if not at_once:
            patch.setattr(joint, "EFFECTS", 0)
        yield
