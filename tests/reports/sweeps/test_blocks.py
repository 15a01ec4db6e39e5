"""Blocks: every unit in exactly one, and none of them held."""

import tracemalloc
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from relmer.reports.sweeps.blocks import Blocks
from relmer.reports.sweeps.plan import OWN, Designs, FromCases, Plan, Simulate, Source

INTERVALS = st.sampled_from([(), ("wald",), ("satterthwaite",), ("wald", "profile")])
ENGINES = st.sampled_from([(OWN,), ("pls",), (OWN, "pls", "gls")])
SOURCES = st.one_of(
    st.builds(FromCases, name=st.just("c"), pattern=st.sampled_from(["dyestuff/*", "docs/*"]), engines=ENGINES),
    st.builds(
        Designs, name=st.just("d"), count=st.integers(1, 90), kinds=st.just(("ordinary", "wide")), engines=ENGINES
    ),
    st.builds(Simulate, name=st.just("s"), replicates=st.integers(1, 9000), intervals=INTERVALS, engines=ENGINES),
)


@given(st.lists(SOURCES, min_size=1, max_size=4), st.booleans())
def test_every_problem_of_every_engine_is_in_one_block(sources: list[Source], ladder: bool) -> None:
    blocks = Blocks(Plan(sources=tuple(sources), ladder=ladder))
    found: Counter[tuple[int, str]] = Counter()
    last: dict[tuple[int, str], int] = {}
    for number in range(len(blocks)):
        block = blocks[number]
        assert block.number == number and block.count > 0
        for engine in block.engines:
            # Each begins where the one before it ended: none is left out, none is there twice.
            assert block.first == last.get((block.source, engine), 0)
            last[block.source, engine] = block.first + block.count
            found[block.source, engine] += block.count
        units = [unit for problem in block.apart() for unit in problem.by_engine()]
        assert sum(unit.count for unit in units) == block.count * len(block.engines)
    for place, source in enumerate(sources):
        each = {engine: found[place, engine] for engine in source.engines}
        assert len({*each.values()}) == 1
        assert blocks.units(place) == sum(each.values())
        if isinstance(source, Simulate):
            assert {*each.values()} == {source.replicates}


def test_a_billion_responses_are_planned_without_holding_them() -> None:
    tracemalloc.start()
    source = Simulate(name="s", replicates=10**9, case="dyestuff/reml", engines=(OWN, "lme4"))
    blocks = Blocks(Plan(sources=(source,)))
    last = blocks[len(blocks) - 1]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert last.first + last.count == 10**9
    # A list of the blocks' numbers alone would take 500 MB.
    assert peak < 10**6
