"""Plugin of pytest for mutants: hypothesis draws the same few examples each time, keeps none and makes none smaller."""

import pytest
from hypothesis import Phase, settings

FEW = 12

settings.register_profile(
    "mutants", phases=(Phase.explicit, Phase.generate), database=None, derandomize=True, deadline=None, max_examples=FEW
)
settings.load_profile("mutants")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Take no more examples than that, whatever a test asks for."""
    test = getattr(item, "obj", None)
    own = getattr(test, "_hypothesis_internal_use_settings", None)
    if own is not None and own.max_examples > FEW:
        getattr(test, "__func__", test)._hypothesis_internal_use_settings = settings(own, max_examples=FEW)
