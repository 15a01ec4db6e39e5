"""From a model frame to X and to the random terms, column by column as R names them."""

from collections.abc import Mapping, Sequence

import numpy as np

from relmer.solver.arrays import Array
from relmer.solver.errors import ModelError, shortened
from relmer.solver.language.bars import Bar
from relmer.solver.language.contrasts import coding
from relmer.solver.language.factors import Coding, Column, Factor, Matrix, as_factor, distinct, numbers_or_factor
from relmer.solver.language.frame import ModelFrame
from relmer.solver.language.sizes import check_columns_of_terms, check_levels, check_parameters, width
from relmer.solver.language.syntax import Call, Name, Node, deparse
from relmer.solver.language.syntax import names as names_in
from relmer.solver.language.terms import Terms
from relmer.solver.model import RandomTerm


def model_matrix(terms: Terms, frame: ModelFrame) -> tuple[Array, tuple[str, ...]]:
    """Code a right-hand side as R's ``model.matrix`` does.

    Parameters
    ----------
    terms : Terms
        Terms whose variables are in the frame.
    frame : ModelFrame
        The n rows.

    Returns
    -------
    X : (n, p) float64 array
        The columns.
    names : tuple of str
        Their p names in R's spelling.

    Raises
    ------
    ModelError
        If a factor has one level only.

    Examples
    --------
    >>> import pandas as pd
    >>> from relmer.solver.language.formula import parse
    >>> from relmer.solver.language.frame import model_frame
    >>> data = pd.DataFrame({"y": [1.0, 2.0], "x": [3.0, 4.0], "f": ["a", "b"]})
    >>> frame = model_frame(parse("y ~ f + f:x"), data)
    >>> model_matrix(frame.formula.fixed, frame)
    (array([[1., 0., 3., 0.],
           [1., 1., 0., 4.]]), ('(Intercept)', 'fb', 'fa:x', 'fb:x'))
    """
    return coded_terms(terms, frame.columns, frame, frame.contrasts)


def fixed_matrix(frame: ModelFrame) -> tuple[Array, tuple[str, ...]]:
    """Code the fixed part of the frame's formula; see `model_matrix`.

    Parameters
    ----------
    frame : ModelFrame
        The n rows.

    Returns
    -------
    X : (n, p) float64 array
        All columns, also linearly dependent ones.
    names : tuple of str
        Their p names.
    """
    terms = frame.formula.fixed
    check_levels(terms, [frame.columns[name] for name in terms.names], frame.y.size)
    return model_matrix(terms, frame)


def coded_terms(
    terms: Terms, columns: Mapping[str, Column], frame: ModelFrame, contrasts: Mapping[str, Coding]
) -> tuple[Array, tuple[str, ...]]:
    """X (n, p) of some terms with these columns and contrasts, and the names of its columns; see `model_matrix`."""
    n = frame.y.size
    variables = [numbers_or_factor(columns[name]) for name in terms.names]
    for name, variable in zip(terms.names, variables, strict=True):
        if isinstance(variable, Factor) and len(variable.levels) < 2:
            raise ModelError(
                f"factor '{name:.80}' has one level, '{variable.levels[0]:.80}'{frame.dropped.shrinking(name)}: "
                "contrasts can be applied only to factors with 2 or more levels; remove it"
            )
    full = full_dummies(terms, [isinstance(variable, Factor) for variable in variables])
    chosen = [contrasts.get(name) for name in terms.names]
    check_columns_of_terms(terms, [*map(width, variables, chosen)], full, n)
    blocks, labels = [np.empty((0, n))], []
    if terms.intercept:
        blocks.append(np.ones((1, n)))
        labels.append("(Intercept)")
    for j, (first, *others) in enumerate(terms.terms):
        block, suffixes = variable_rows(variables[first], chosen[first], full=(j, first) in full)
        block_labels = [f"{terms.names[first]}{suffix}" for suffix in suffixes]
        for i in others:
            rows, suffixes = variable_rows(variables[i], chosen[i], full=(j, i) in full)
            with np.errstate(over="ignore", invalid="ignore"):
                block = (rows[:, None, :] * block).reshape(-1, n)
            block_labels = [f"{label}:{terms.names[i]}{suffix}" for suffix in suffixes for label in block_labels]
        if others and not np.isfinite(block).all():
            row = frame.rows[np.argmin(np.isfinite(block).all(axis=0))] + 1
            raise ModelError(
                f"'{shortened(terms.labels[j])}' is beyond the doubles in row {row} of the data; rescale it"
            )
        blocks.append(block)
        labels.extend(block_labels)
    return np.concatenate(blocks).T, tuple(labels)


def variable_rows(
    variable: Array | Factor | Matrix, chosen: Coding | None, *, full: bool
) -> tuple[Array, tuple[str, ...]]:
    """The columns that stand for a variable in a term, as rows (c, n), and what R appends to its name."""
    if isinstance(variable, Matrix):
        return variable.values.T, variable.suffixes if variable.values.shape[1] > 1 else ("",)
    if not isinstance(variable, Factor):
        return variable[None, :], ("",)
    columns, suffixes = coding(variable, full=full, chosen=chosen)
    return np.take(columns.T, variable.codes, axis=1), suffixes


def full_dummies(terms: Terms, is_factor: list[bool]) -> set[tuple[int, int]]:
    """Decide which (term, variable) pairs get an indicator per level instead of contrasts.

    Contrasts suffice where the term without the variable is empty or part of a preceding term. Without an
    intercept, the first factor of the first term that has one is coded in full.
    """
    sets = [frozenset(term) for term in terms.terms]
    full = {
        (j, i)
        for j, term in enumerate(sets)
        for i in term
        if len(term) > 1 and not any(term - {i} <= preceding for preceding in sets[:j])
    }
    if not terms.intercept:
        factors = ((j, i) for j, term in enumerate(terms.terms) for i in term if is_factor[i])
        full.update([first] if (first := next(factors, None)) else [])
    return full


def random_terms(frame: ModelFrame) -> tuple[RandomTerm, ...]:
    """Make the random terms of the frame's formula in the order of lme4's ``mkReTrms``.

    Parameters
    ----------
    frame : ModelFrame
        The n rows.

    Returns
    -------
    tuple of RandomTerm
        By decreasing number of levels. If that takes sorting, terms with the same number end in reverse order.

    Raises
    ------
    ModelError
        If two combinations of an interaction would have the same label.

    Examples
    --------
    >>> import pandas as pd
    >>> from relmer.solver.language.formula import parse
    >>> from relmer.solver.language.frame import model_frame
    >>> data = pd.DataFrame({"y": [1.0, 2.0, 4.0], "a": ["u", "u", "v"], "b": [1, 2, 1]})
    >>> frame = model_frame(parse("y ~ 1 + (1 | a/b)"), data)
    >>> [(term.group, term.columns, term.levels) for term in random_terms(frame)]
    [('b:a', ('(Intercept)',), ('1:u', '1:v', '2:u')), ('a', ('(Intercept)',), ('u', 'v'))]
    """
    made: dict[Node, Factor] = {}
    terms = [random_term(bar, frame, made) for bar in frame.formula.bars]
    check_parameters(terms)
    return tuple(terms[i] for i in order_of(terms))


def order_of(terms: Sequence[RandomTerm]) -> list[int]:
    """lme4's order of terms that stand in the order of the formula; see `random_terms`."""
    counts = np.array([len(term.levels) for term in terms])
    if np.any(np.diff(counts) > 0):
        return [int(i) for i in np.argsort(counts, kind="stable")[::-1]]
    return list(range(len(terms)))


def random_term(bar: Bar, frame: ModelFrame, made: dict[Node, Factor]) -> RandomTerm:
    """The grouping factor's levels and codes, and the columns of the left side; `made` keeps what was combined."""
    columns = {name: frame.columns[name] for name in bar.factors}
    # The frame's factors have no unused levels.
    factors = {name: it if isinstance(it, Factor) else as_factor(it) for name, it in columns.items()}
    group = grouping_factor(bar.group, factors, made)
    if len(group.levels) == 1 and (why := frame.dropped.shrinking(bar.label)):
        raise ModelError(f"grouping factor {shortened(bar.label)} has one level{why}; give the values or leave it out")
    # lme4 turns the grouping columns into factors before it codes the left side, without the contrasts that are given.
    inner = {label for name in names_in(bar.group) if (label := deparse(Name(name))) in frame.columns}
    factors |= {label: as_factor(frame.columns[label]) for label in inner}
    X, names = coded_terms(bar.terms, {**frame.columns, **factors}, frame, {})
    return RandomTerm(bar.label, names, group.levels, group.codes, X, bar.structure)


def grouping_factor(group: Node, factors: Mapping[str, Factor], made: dict[Node, Factor]) -> Factor:
    """Combine the factors, by their names, into the one that groups; each combination is made once."""
    match group:
        case Call("(", (inner,)):
            return grouping_factor(inner, factors, made)
        case Call(":", (left, right)):
            if group not in made:
                made[group] = interaction(grouping_factor(left, factors, made), grouping_factor(right, factors, made))
            return made[group]
    return factors[deparse(group)]


def interaction(first: Factor, second: Factor) -> Factor:
    """Combine two factors as lme4's ``%i%``: the combinations that occur, the first factor leading."""
    combined = first.codes * len(second.levels) + second.codes
    observed, codes = distinct(combined)
    leading, trailing = (part.tolist() for part in np.divmod(observed, len(second.levels)))
    levels = tuple([f"{first.levels[i]}:{second.levels[j]}" for i, j in zip(leading, trailing, strict=True)])
    if len(set(levels)) < len(levels):
        twice = next(level for level in levels if levels.count(level) > 1)
        raise ModelError(
            f"two combinations of grouping levels are both labelled '{shortened(twice)}'; rename the levels"
        )
    return Factor(levels, codes)
