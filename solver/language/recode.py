"""Factors made of columns, as R makes them."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from relmer.solver.arrays import Array
from relmer.solver.errors import ModelError, shortened
from relmer.solver.language.bases import check_size
from relmer.solver.language.compare import is_text, labels_of
from relmer.solver.language.contrasts import NAMED, polynomial, polynomial_at, treatment, treatment_on
from relmer.solver.language.factors import (
    Coding,
    Column,
    Factor,
    Matrix,
    Origin,
    Variable,
    as_factor,
    drop_unused_levels,
    or_none,
)
from relmer.solver.language.given_contrasts import completed

Texts = tuple[str, ...]
Labels = tuple[str | None, ...]
"""Texts, None for what is missing."""
MISSING_LEVEL = "NA"
MOST_LEVELS = 100_000
"""Of a factor whose levels are made whether they occur or not."""
PREFIX = "contr."
SHORT = {name.removeprefix(PREFIX): name for name in NAMED}
"""What ``C()`` takes for a name of contrasts that is written without quotes."""


def factor(
    variable: Variable,
    levels: Labels | None = None,
    labels: Texts | None = None,
    exclude: Labels = (None,),
    ordered: bool | None = None,
) -> Variable:
    """R's ``factor``: with the levels that occur, or those that are given, under their labels, but for some.

    Where what is missing is not excluded, as it is by default, it is a level, which R spells NA.

    Examples
    --------
    >>> made, _ = factor((np.array([3, 1, 3]), None), ("1", "2", "3"), ("one", "two", "three"))
    >>> made
    Factor(levels=('one', 'two', 'three'), codes=array([2, 0, 2]), ordered=False)
    """
    column, missing = variable
    made = as_factor(column, missing)
    order = (isinstance(column, Factor) and column.ordered) if ordered is None else ordered
    if levels is None:
        levels = (*made.levels, *([None] if made.codes.min(initial=0) < 0 else []))
    elif len(set(levels)) < len(levels):
        raise ModelError(f"factor() is given the level '{shortened(str(doubled(levels)))}' twice")
    made = on_levels(made, tuple(level for level in levels if level not in exclude))
    if labels is not None:
        k = len(made.levels)
        if len(labels) == 1 and k > 1:
            labels = tuple(f"{labels[0]}{i + 1}" for i in range(k))
        if len(labels) != k:
            raise ModelError(f"factor() is given {len(labels)} labels for {k} levels; give one for each")
        kept = tuple(dict.fromkeys(labels))
        places = {label: i for i, label in enumerate(kept)}
        codes = np.array([*(places[label] for label in labels), -1])[made.codes]
        made = replace(made, levels=kept, codes=codes, origin=Origin.GIVEN)
    origin = Origin.SORTED if made.origin is Origin.TEXT else made.origin
    made = replace(made, ordered=order, origin=origin, contrasts=None)
    return made, or_none(made.codes < 0)


def with_missing_level(variable: Variable) -> Variable:
    """R's ``addNA``: what is missing becomes a level."""
    return factor(variable, exclude=())


def doubled(texts: Labels) -> str | None:
    """A text that occurs twice."""
    return next(text for text in texts if texts.count(text) > 1)


def on_levels(given: Factor, levels: Labels) -> Factor:
    """The same values with other levels: what is none of these is missing."""
    if levels == given.levels:
        return given
    places = {level: i for i, level in enumerate(levels)}
    codes = np.array([*(places.get(level, -1) for level in given.levels), places.get(None, -1)])[given.codes]
    origin = given.origin if set(levels) == {*given.levels} else Origin.GIVEN
    return Factor(tuple(MISSING_LEVEL if level is None else level for level in levels), codes, origin=origin)


def ordered_factor(
    variable: Variable, levels: Labels | None = None, labels: Texts | None = None, exclude: Labels = (None,)
) -> Variable:
    """R's ``ordered``: as `factor`."""
    return factor(variable, levels, labels, exclude, ordered=True)


def kept_factor(variable: Variable) -> Variable:
    """R's ``as.factor``, which leaves a factor as it is, unused levels included."""
    return variable if isinstance(variable[0], Factor) and not is_text(variable[0]) else factor(variable)


def kept_ordered(variable: Variable) -> Variable:
    """R's ``as.ordered``, which leaves an ordered factor as it is."""
    column, _ = variable
    return variable if isinstance(column, Factor) and column.ordered else factor(variable, ordered=True)


def real_factor(variable: Variable) -> Factor:
    """A factor, not text, which some functions of R refuse."""
    column, _ = variable
    if not isinstance(column, Factor) or is_text(column):
        raise ModelError("as in R, a factor is wanted here, not text or numbers: write factor(...) around it")
    return column


def dropped_levels(variable: Variable) -> Variable:
    """R's ``droplevels``."""
    return replace(drop_unused_levels(real_factor(variable)), contrasts=None), variable[1]


def releveled(variable: Variable, reference: Variable) -> Variable:
    """R's ``relevel``: one level, by its label or number, comes first."""
    given = real_factor(variable)
    if given.ordered:
        raise ModelError("relevel() takes a factor that is not ordered")
    label = labels_of(reference[0])
    if isinstance(reference[0], Factor):
        place = given.levels.index(label[0]) if len(label) == 1 and label[0] in given.levels else -1
    else:
        place = int(label[0]) - 1 if len(label) == 1 and label[0].isdigit() else -1
    if not 0 <= place < len(given.levels):
        known = shortened(", ".join(given.levels), 200)
        raise ModelError(f"relevel() is given the level {shortened(str(label[0]))}, which is none of {known}")
    order = [place, *(i for i in range(len(given.levels)) if i != place)]
    return Factor(
        tuple(given.levels[i] for i in order), np.array([*np.argsort(order), -1], dtype=np.int64)[given.codes]
    ), variable[1]


def with_contrasts(
    variable: Variable, given: str | Column | None, how_many: float | None, base: float | None, scores: Array | None
) -> Variable:
    """R's ``C``: contrasts of a factor's own, for all of its levels; they are lost where a level does not occur."""
    made, missing = real_factor(variable), variable[1]
    if given is None:
        if how_many is not None or base is not None or scores is not None:
            raise ModelError("C() with how.many, base or scores names its contrasts")
        return replace(made, contrasts=None), missing
    if not isinstance(given, str):
        return replace(made, contrasts=completed(given, made.levels, how_many)), missing
    return replace(made, contrasts=contrasts_of(made.levels, given, how_many, base, scores)), missing


def contrasts_of(
    levels: Texts, name: str, how_many: float | None, base: float | None, scores: Array | None = None
) -> Coding:
    """Contrasts as ``C()`` has them: given as R's function they number the levels, by name they are labelled."""
    quoted = name[:1] == '"'
    full = SHORT.get(name, name.strip('"'))
    if full not in NAMED:
        raise ModelError(f"C() is given {shortened(name)}: give one of {', '.join(NAMED)}")
    k = len(levels)
    if k < 2:
        raise ModelError("C() takes a factor of 2 or more levels")
    labelled = quoted or name in SHORT
    shown = levels if labelled and how_many is None and base is None else tuple(str(i + 1) for i in range(k))
    if scores is not None:
        if NAMED[full] is not polynomial:
            raise ModelError(f"scores are an argument of contr.poly, not of {full}")
        matrix, names = polynomial_at(scores, levels)
    elif base is None:
        matrix, names = NAMED[full](shown)
    elif NAMED[full] is treatment:
        if not 1 <= base <= k or base != int(base):
            raise ModelError(f"C() is given the base {base:g} for {k} levels")
        matrix, names = treatment_on(shown, int(base) - 1)
    else:
        raise ModelError(f"base is an argument of treatment contrasts, not of {full}")
    if how_many is not None:
        if not 1 <= how_many <= k - 1 or how_many != int(how_many):
            raise ModelError(f"C() is given how.many = {how_many:g} for {k} levels")
        matrix, names = matrix[:, : int(how_many)], names[: int(how_many)]
    return matrix, names


def interaction(variables: Sequence[Variable], drop: bool, sep: Texts, leading: bool) -> Variable:
    """R's ``interaction``: all combinations of levels, the first factor's running fastest."""
    factors = [kept_factor(variable)[0] for variable in variables]
    first, *others = [each for each in factors if isinstance(each, Factor)]
    levels, codes = first.levels, first.codes
    for other in others:
        k, m = len(levels), len(other.levels)
        if k * m > MOST_LEVELS:
            raise ModelError(f"interaction() has {k * m:,} levels, more than {MOST_LEVELS:,}; write a:b")
        pairs = (
            [(i, j) for i in range(k) for j in range(m)] if leading else [(i, j) for j in range(m) for i in range(k)]
        )
        place = codes * m + other.codes if leading else other.codes * k + codes
        codes = np.where((codes < 0) | (other.codes < 0), -1, place)
        levels = tuple(f"{levels[i]}{sep[0]}{other.levels[j]}" for i, j in pairs)
    if len(set(levels)) < len(levels):
        raise ModelError(
            f"two combinations of interaction() are both labelled '{shortened(str(doubled(levels)))}'; give another sep"
        )
    made = Factor(levels, codes)
    return (as_factor(made) if drop else made), or_none(codes < 0)


def dummy(variable: Variable, kept: Texts | None) -> Variable:
    """lme4's ``dummy``: a column for each level that is kept, all but the first if none is said."""
    made, missing = kept_factor(variable)
    assert isinstance(made, Factor)
    if missing is not None:
        raise ModelError("dummy() takes a factor without missing values; drop such rows from the data")
    chosen = made.levels[1:] if kept is None else kept
    unknown = sorted(set(chosen) - set(made.levels))
    if unknown or not chosen:
        lacking, known = shortened(", ".join(unknown)) or "no level", shortened(", ".join(made.levels), 200)
        raise ModelError(f"dummy() is given {lacking}: give some of {known}")
    check_size(made.codes.size, len(chosen))
    known_places = {level: i for i, level in enumerate(made.levels)}
    places = [known_places[level] for level in chosen]
    return Matrix((made.codes[:, None] == np.array(places)).astype(np.float64), chosen), None
