"""Plugin of pytest for mutants: hypothesis draws the same few examples each time, keeps none and makes none smaller."""

import pytest
from hypothesis import Phase, settings
from sample import with_examples

FEW = 12

settings.register_profile(
    "mutants", phases=(Phase.explicit, Phase.generate), database=None, derandomize=True, deadline=None, max_examples=FEW
)
settings.load_profile("mutants")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Take no more examples than that, whatever a test asks for."""
    with_examples(item, lambda asked: min(asked, FEW))
