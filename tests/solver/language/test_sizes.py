"""What is too large is refused in one line, with its size, before anything of that size is made."""

import time
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relmer.solver.errors import LONGEST, ModelError, shortened
from relmer.solver.language.build import build
from relmer.solver.language.formula import parse
from relmer.solver.language.frame import model_frame
from relmer.solver.language.matrix import full_dummies, model_matrix
from relmer.solver.language.sizes import width

MOST_MEMORY = 100 * 2**20
MOST_SECONDS = 5.0
"""Of the processor, so that a busy machine fails nothing; a refusal takes milliseconds, what is refused minutes."""


def table(n: int, **levels: int) -> pd.DataFrame:
    rng = np.random.default_rng(n)
    columns = {name: [f"{name}{i}" for i in rng.permutation(np.arange(n) % count)] for name, count in levels.items()}
    return pd.DataFrame({"y": rng.normal(size=n), "x": rng.normal(size=n), **columns})


WIDE = {
    "text of thousands of levels": (
        "y ~ f + (1 | g)",
        {"f": 3000, "g": 9},
        r"3,000 columns .*f makes 2,999",
    ),
    "more levels with many rows": ("y ~ x + f + (1 | g)", {"f": 2400, "g": 9}, r"2,401 columns for 4,000 rows"),
    "an interaction": (
        "y ~ a:b:c:d:e:f:h + (1 | g)",
        dict.fromkeys("abcdefhg", 11),
        "a:b:c:d:e:f:h makes 19,487,171",
    ),
    "crossed factors": ("y ~ a*b*c*d + (1 | g)", dict.fromkeys("abcdg", 12), r"20,736 columns.*a:b:c:d makes 14,641"),
    "an interaction in a bar": ("y ~ 1 + (a:b:c:d:e | g)", dict.fromkeys("abcdeg", 14), "columns for 4,000 rows"),
    "a slope by a factor": ("y ~ 1 + (f | g)", {"f": 200, "g": 5}, r"20,100 variances.*term of g has 200 columns"),
    "several slopes by factors": ("y ~ 1 + (e | g) + (f | g)", {"e": 40, "f": 40, "g": 5}, "1,640 variances"),
    "a level for each row": ("y ~ f + (1 | g)", {"f": 4000, "g": 5}, "'f' has a level for each row"),
}


@pytest.mark.parametrize("kind", WIDE)
def test_refused_with_the_size_before_it_is_made(kind: str) -> None:
    text, levels, message = WIDE[kind]
    made = model_frame(parse(text), table(4000, **levels))
    tracemalloc.start()
    begin = time.process_time()
    with pytest.raises(ModelError, match=message) as caught:
        build(made)
    seconds, (_, peak) = time.process_time() - begin, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "\n" not in str(caught.value) and len(str(caught.value)) <= LONGEST
    assert seconds < MOST_SECONDS and peak < MOST_MEMORY


@settings(deadline=None)
@given(
    st.sampled_from(["f*g*x", "f:g", "0 + f:x + g", "f/g", "x + f:g:h", "0 + h:f"]),
    st.integers(2, 5),
    st.integers(2, 4),
)
def test_the_size_that_is_foretold_is_that_of_the_matrix(text: str, f: int, g: int) -> None:
    made = model_frame(parse(f"y ~ {text}"), table(60, f=f, g=g, h=3))
    terms = made.formula.fixed
    variables = [made.columns[name] for name in terms.names]
    full = full_dummies(terms, [name != "x" for name in terms.names])
    foretold = [np.prod([width(variables[i])[(j, i) in full] for i in term]) for j, term in enumerate(terms.terms)]
    assert terms.intercept + sum(foretold) == model_matrix(terms, made)[0].shape[1]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ([f"2024-{1 + i // 28:02d}-{1 + i % 28:02d}" for i in range(50)], "it is text, with dates such as 2024-01-01"),
        ([f"{1 + i % 28}/{1 + i // 28}/2023" for i in range(50)], "it is text, with dates"),
        ([*(str(i / 7) for i in range(49)), "N/A"], r"it is text, with numbers such as .*, but for N/A"),
        ([f"{i},5" for i in range(50)], "it is text, with numbers such as 0,5"),
        ([f"subject {i}" for i in range(50)], "has a level for each row; make it a number or leave it out"),
        (pd.Categorical([str(i) for i in range(50)]), "has a level for each row; make it a number or leave it out"),
    ],
)
def test_what_text_with_a_level_for_each_row_looks_like(values: object, told: str) -> None:
    data = table(50, g=5).assign(d=values)
    with pytest.raises(ModelError, match=rf"50 rows do not determine 50 coefficients: 'd' .*{told}"):
        build(model_frame(parse("y ~ d + (1 | g)"), data))


@pytest.mark.parametrize("parts", [["g", "h"] * 30, ["g"] * 21, [f"v{i}" for i in range(140)]])
def test_deep_nests_are_refused_at_once(parts: list[str]) -> None:
    begin = time.process_time()
    with pytest.raises(ModelError, match="more than 20 grouping factors are nested"):
        parse(f"y ~ 1 + (1 | {'/'.join(parts)})")
    assert time.process_time() - begin < MOST_SECONDS


def test_a_nest_of_many_levels_is_quick() -> None:
    """Each combination is made once: with 20 parts there are 20, not 190."""
    data = pd.DataFrame({"y": np.arange(20000.0) ** 0.5, **{f"v{i}": np.arange(20000) // (2 + i) for i in range(20)}})
    begin = time.process_time()
    build(model_frame(parse("y ~ 1 + (1 | " + "/".join(f"v{i}" for i in range(19, -1, -1)) + ")"), data))
    assert time.process_time() - begin < 4 * MOST_SECONDS


LONG = "a" * 3000


@pytest.mark.parametrize(
    "text",
    [
        f"y ~ {LONG}",
        f"{LONG} ~ x",
        f"y ~ x + (1 | {LONG})",
        f"y ~ log({LONG})",
        f"y ~ {LONG}({LONG[:900]})",
        f"y ~ `{LONG}` $",
        f"y ~ {'(' * 140}x | x{')' * 140} | g",
        "y ~ " + " + ".join(f"log(v{i})" for i in range(400)),
        f"y ~ x + (1 | {':'.join(['factor(x)'] * 300)}:zz)",
        f"y ~ x + (1 | {LONG} * {LONG[:1900]})",
        f"y ~ 2 * {LONG}",
        f"y ~ x {LONG}",
        f"{LONG} + y ~ {LONG} + y",
    ],
)
def test_messages_have_a_bound(text: str) -> None:
    with pytest.raises(ModelError) as caught:
        build(model_frame(parse(text), table(40, g=4).assign(**{f"{LONG}b": 1.0})))
    assert len(str(caught.value)) <= LONGEST and "\n" not in str(caught.value)


@settings(deadline=None)
@given(st.text(max_size=300), st.integers(3, 120))
def test_a_shortened_text_keeps_both_ends(text: str, longest: int) -> None:
    short = shortened(text, longest)
    assert len(short) <= longest
    before, dots, after = short.partition("…")
    assert short == text or (dots and text.startswith(before) and text.endswith(after))


@pytest.mark.parametrize("text", ["y ~ x:far + (1 | g)", "y ~ g*far*far2", "y ~ 1 + (far:far2 | g)"])
def test_a_product_beyond_the_doubles_is_refused_with_its_row(text: str) -> None:
    data = table(40, g=4).assign(far=1.0, far2=1.0)
    data.loc[[7, 9], ["x", "far", "far2"]] = 1e200
    with pytest.raises(ModelError, match="is beyond the doubles in row 8 of the data; rescale it"):
        build(model_frame(parse(text), data))
