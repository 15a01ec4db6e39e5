"""How a formula was read: term by term, with the columns that each makes, and the matrices that they make together."""

from dataclasses import dataclass
from math import prod

from relmer.solver.errors import shortened
from relmer.solver.language.contrasts import coding
from relmer.solver.language.dialect import NEWEST, OLDEST, Need, first_version, needs
from relmer.solver.language.factors import Factor, numbers_or_factor
from relmer.solver.language.frame import ModelFrame
from relmer.solver.language.functions import LEARNING
from relmer.solver.language.matrix import fixed_matrix, full_dummies
from relmer.solver.language.sizes import width
from relmer.solver.language.syntax import Call, functions
from relmer.solver.model import Design

MOST_NAMES = 8


@dataclass(frozen=True, kw_only=True)
class FixedTerm:
    """A term of the fixed effects, and the columns of X that it makes, of which some may be dropped."""

    label: str
    columns: tuple[str, ...]
    coded: str


@dataclass(frozen=True, kw_only=True)
class RandomTermRead:
    """A random term: its group, how many levels that has, its columns, and its entries of theta, counted from 1."""

    group: str
    levels: int
    columns: tuple[str, ...]
    theta: tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """The shape of a matrix, and how many of its entries are stored."""

    name: str
    rows: int
    columns: int
    stored: int


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How a formula was read.

    Attributes
    ----------
    formula, response : str
        As written, and the left side.
    since : str or None
        The first version of lme4 that reads it, as far as they were tried; None if none does.
    needs : tuple of Need
        Why.
    fixed : tuple of FixedTerm
        In the order of X.
    random : tuple of RandomTermRead
        In the order of Z and theta.
    learnt : tuple of str
        Variables that are computed from all rows of the data.
    rows, given : int
        How many rows take part, of how many.
    dropped : tuple of str
        Why rows, and which columns of X, are left out.
    matrices : tuple of Matrix
        X, Z and Lambda.
    notes : tuple of str
        What may surprise.
    """

    formula: str
    response: str
    since: str | None
    needs: tuple[Need, ...]
    fixed: tuple[FixedTerm, ...]
    random: tuple[RandomTermRead, ...]
    learnt: tuple[str, ...]
    rows: int
    given: int
    dropped: tuple[str, ...]
    matrices: tuple[Matrix, ...]
    notes: tuple[str, ...]


def reading(frame: ModelFrame, design: Design) -> Reading:
    """Tell how a formula was read.

    Parameters
    ----------
    frame : ModelFrame
        That of the formula and the data.
    design : Design
        What was built of it.

    Returns
    -------
    Reading
        Plain records.

    Examples
    --------
    >>> import pandas as pd
    >>> from relmer.solver.language.build import build
    >>> from relmer.solver.language.formula import parse
    >>> from relmer.solver.language.frame import model_frame
    >>> data = pd.DataFrame({"y": [1.0, 2.0, 4.0, 3.0], "f": list("uvuv"), "g": list("aabb")})
    >>> frame = model_frame(parse("y ~ f + (1 | g)"), data)
    >>> [(term.label, term.columns) for term in reading(frame, build(frame)).fixed]
    [('(Intercept)', ('(Intercept)',)), ('f', ('fv',))]
    """
    formula = frame.formula
    predictors = {formula.outcome: formula.response, **formula.predictors}
    learnt = [
        name for name, node in predictors.items() if isinstance(node, Call) and not LEARNING.isdisjoint(functions(node))
    ]
    random, first = [], 1
    for term in design.terms:
        k = len(term.columns)
        last = first + k * (k + 1) // 2 - 1
        random.append(
            RandomTermRead(group=term.group, levels=len(term.levels), columns=term.columns, theta=(first, last))
        )
        first = last + 1
    n, p, q = len(design.y), design.X.shape[1], design.Z.shape[1]
    blocks = sum(len(term.levels) * len(term.columns) * (len(term.columns) + 1) // 2 for term in design.terms)
    columns = [f"column {name} of X, which others determine" for name in design.dropped]
    return Reading(
        formula=formula.text,
        response=formula.outcome,
        since=first_version(formula),
        needs=needs(formula),
        fixed=fixed_terms(frame),
        random=tuple(random),
        learnt=tuple(learnt),
        rows=n,
        given=frame.dropped.given,
        dropped=tuple(line for line in (str(frame.dropped), *columns) if line),
        matrices=(
            Matrix(name="X", rows=n, columns=p, stored=n * p),
            Matrix(name="Z", rows=n, columns=q, stored=int(design.Z.nnz)),
            Matrix(name="Lambda", rows=q, columns=q, stored=blocks),
        ),
        notes=tuple(note for note in frame.notes if note != str(frame.dropped)),
    )


def fixed_terms(frame: ModelFrame) -> tuple[FixedTerm, ...]:
    """The terms of the fixed effects with the columns of each."""
    terms = frame.formula.fixed
    _, names = fixed_matrix(frame)
    variables = [numbers_or_factor(frame.columns[name]) for name in terms.names]
    full = full_dummies(terms, [isinstance(variable, Factor) for variable in variables])
    widths = [width(each, frame.contrasts.get(name)) for name, each in zip(terms.names, variables, strict=True)]
    found = [FixedTerm(label=names[0], columns=names[:1], coded="")] if terms.intercept else []
    place = len(found)
    for j, term in enumerate(terms.terms):
        count = prod(widths[i][(j, i) in full] for i in term)
        coded = [how_coded(terms.names[i], variables[i], (j, i) in full, frame) for i in term]
        told = "; ".join(each for each in coded if each)
        found.append(FixedTerm(label=terms.labels[j], columns=names[place : place + count], coded=told))
        place += count
    return tuple(found)


def how_coded(name: str, variable: object, is_full: bool, frame: ModelFrame) -> str:
    """How a factor is coded in a term; nothing for a number."""
    if not isinstance(variable, Factor):
        return ""
    if is_full:
        return f"{name} by an indicator for each of {len(variable.levels)} levels"
    _, suffixes = coding(variable, full=False, chosen=frame.contrasts.get(name))
    own = name in frame.contrasts or variable.contrasts is not None
    kind = "contrasts of its own" if own else "polynomial contrasts" if variable.ordered else "treatment contrasts"
    reference = f" to {shortened(variable.levels[0], 40)}" if not own and not variable.ordered else ""
    return f"{name} by {len(suffixes)} {kind}{reference}"


def lines_of(read: Reading) -> tuple[str, ...]:
    """The reading as lines of text."""
    lines = [read.formula, f"  response {read.response}"]
    if read.since is None:
        lines.append(f"  lme4: none up to {NEWEST} reads it")
    else:
        tried = "" if read.since != OLDEST else ", the oldest that was tried"
        lines.append(f"  lme4: from {read.since} on{tried}")
    lines += [f"    {need.why}" for need in read.needs]
    lines.append("fixed effects")
    for term in read.fixed:
        coded = f" ({term.coded})" if term.coded else ""
        lines.append(f"  {term.label}: {counted(len(term.columns), 'column')}, {listed(term.columns)}{coded}")
    lines.append("random effects")
    for each in read.random:
        first, last = each.theta
        places = f"theta {first}" if first == last else f"theta {first} to {last}"
        lines.append(f"  {each.group}: {counted(each.levels, 'level')}; {listed(each.columns)}; {places}")
    if read.learnt:
        lines.append(f"computed from all rows: {listed(read.learnt)}")
    lines.append(f"{read.rows:,} of {read.given:,} rows")
    lines += [f"  left out: {line}" for line in read.dropped]
    for matrix in read.matrices:
        share = matrix.stored / (matrix.rows * matrix.columns) if matrix.rows * matrix.columns else 1.0
        lines.append(f"{matrix.name} {matrix.rows:,} × {matrix.columns:,}: {matrix.stored:,} stored, {share:.3%}")
    return (*lines, *(f"note: {note}" for note in read.notes))


def counted(count: int, what: str) -> str:
    """A number of things."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def listed(names: tuple[str, ...]) -> str:
    """The first of some names."""
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(shortened(name) for name in names[:MOST_NAMES]) + more
