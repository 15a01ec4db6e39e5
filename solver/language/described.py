"""What each column of a model matrix is a product of: how a formula was read, for those who build it anew."""

from collections.abc import Iterator
from dataclasses import dataclass

from relmer.solver.arrays import Array, Integers
from relmer.solver.language.bars import Bar, factors_of
from relmer.solver.language.contrasts import coding
from relmer.solver.language.factors import Coding, Factor, Matrix, as_factor, numbers_or_factor
from relmer.solver.language.frame import ModelFrame
from relmer.solver.language.matrix import fixed_matrix, full_dummies, order_of, random_term
from relmer.solver.language.syntax import Node
from relmer.solver.language.terms import Terms


@dataclass(frozen=True)
class Part:
    """One factor of a product.

    Attributes
    ----------
    node
        The variable, as it is written.
    column
        Which of its columns, from 0.
    codes, values
        Of a categorical variable each row's level (n,), and what each level counts (k,); None of numbers.
    is_polynomial
        Whether the levels count as R's `contr.poly` has them.
    """

    node: Node
    column: int
    codes: Integers | None = None
    values: Array | None = None
    is_polynomial: bool = False


Product = tuple[Part, ...]


def described_fixed(frame: ModelFrame) -> dict[str, Product]:
    """For each column of X, by its name, what it is a product of; those too that a design drops.

    Examples
    --------
    >>> import pandas as pd
    >>> from relmer.solver.language.formula import parse
    >>> from relmer.solver.language.frame import model_frame
    >>> data = pd.DataFrame({"y": [1.0, 2.0], "x": [3.0, 4.0], "f": ["a", "b"]})
    >>> found = described_fixed(model_frame(parse("y ~ f:x"), data))
    >>> [(name, [part.node.name for part in product]) for name, product in found.items()]
    [('(Intercept)', []), ('fa:x', ['f', 'x']), ('fb:x', ['f', 'x'])]
    """
    _, names = fixed_matrix(frame)
    return dict(zip(names, products(frame.formula.fixed, frame), strict=True))


def described_random(frame: ModelFrame) -> list[tuple[tuple[Node, ...], list[Product]]]:
    """For each random term of a design what its grouping factor combines, and what its columns are products of."""
    bars, made = frame.formula.bars, dict[Node, Factor]()
    order = order_of([random_term(bar, frame, made) for bar in bars])
    return [(tuple(factors_of(bars[i].group)), list(products(bars[i].terms, frame, bars[i]))) for i in order]


def products(terms: Terms, frame: ModelFrame, bar: Bar | None = None) -> Iterator[Product]:
    """The columns of a model matrix, in their order (`matrix.coded_terms`)."""
    grouping = {} if bar is None else {name: as_grouping(frame, name) for name in bar.factors}
    columns = {**frame.columns, **grouping}
    variables = [numbers_or_factor(columns[name]) for name in terms.names]
    full = full_dummies(terms, [isinstance(variable, Factor) for variable in variables])
    if terms.intercept:
        yield ()
    for j, term in enumerate(terms.terms):
        made: list[Product] = [()]
        for i in term:
            contrasts = None if bar is not None else frame.contrasts.get(terms.names[i])
            parts = parts_of(terms.variables[i], variables[i], contrasts, full=(j, i) in full)
            made = [(*product, part) for part in parts for product in made]
        yield from made


def as_grouping(frame: ModelFrame, name: str) -> Factor:
    """A column that groups, as a factor."""
    column = frame.columns[name]
    return column if isinstance(column, Factor) else as_factor(column)


def parts_of(node: Node, variable: Array | Factor | Matrix, chosen: Coding | None, *, full: bool) -> list[Part]:
    """The columns that stand for a variable in a term."""
    if isinstance(variable, Factor):
        table, _ = coding(variable, full=full, chosen=chosen)
        polynomial = not full and chosen is None and variable.contrasts is None and variable.ordered
        return [Part(node, j, variable.codes, values, polynomial) for j, values in enumerate(table.T)]
    return [Part(node, j) for j in range(variable.values.shape[1] if isinstance(variable, Matrix) else 1)]
