"""What hypotheses about terms take of a frame: the term of each column, which term contains which, other codings."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from relmer.solver.arrays import Array, Integers
from relmer.solver.language.contrasts import treatment
from relmer.solver.language.factors import Coding, Factor, numbers_or_factor
from relmer.solver.language.frame import ModelFrame
from relmer.solver.language.matrix import coded_terms, full_dummies
from relmer.solver.language.sizes import columns_of_terms, width
from relmer.solver.language.terms import Terms


@dataclass(frozen=True)
class FixedTerms:
    """The terms of the fixed effects of a frame.

    Attributes
    ----------
    frame
        With n rows.

    Examples
    --------
    >>> import pandas as pd
    >>> from relmer.solver.language.formula import parse
    >>> from relmer.solver.language.frame import model_frame
    >>> data = pd.DataFrame({"y": range(6), "x": [1.0, 2, 4, 3, 5, 7], "f": list("aabbcc")})
    >>> terms = FixedTerms(model_frame(parse("y ~ x + f"), data))
    >>> terms.labels, terms.of_columns.tolist(), terms.cells[1]
    (('x', 'f'), [-1, 0, 1, 1], ('(Intercept)', 'x', 'fa', 'fb', 'fc'))
    """

    frame: ModelFrame

    @property
    def terms(self) -> Terms:
        """As the formula has them."""
        return self.frame.formula.fixed

    @property
    def labels(self) -> tuple[str, ...]:
        """In R's spelling."""
        return self.terms.labels

    @cached_property
    def of_columns(self) -> Integers:
        """The term of each column of X, dependent ones too, -1 for the intercept."""
        return self.assigned(self.frame.contrasts)

    @cached_property
    def of_treatment(self) -> Integers:
        """The same of `by_treatment`."""
        return self.assigned(self.treatments)

    def assigned(self, contrasts: Mapping[str, Coding]) -> Integers:
        """The term of each column of X with these contrasts, -1 for the intercept."""
        variables = [numbers_or_factor(self.frame.columns[name]) for name in self.terms.names]
        widths = [width(each, contrasts.get(name)) for name, each in zip(self.terms.names, variables, strict=True)]
        full = full_dummies(self.terms, [isinstance(variable, Factor) for variable in variables])
        counts = columns_of_terms(self.terms, widths, full)
        return np.repeat(np.arange(-1, len(counts)), [int(self.terms.intercept), *counts])

    @cached_property
    def whole(self) -> tuple[Array, tuple[str, ...]]:
        """X (n, k), dependent columns too, and the names of its columns."""
        return coded_terms(self.terms, self.frame.columns, self.frame, self.frame.contrasts)

    @property
    def treatments(self) -> dict[str, Coding]:
        """Treatment contrasts for every factor."""
        return {name: treatment(one.levels) for name, one in self.factors.items()}

    @property
    def is_treatment(self) -> bool:
        """Whether every factor of the fixed effects has treatment contrasts, as R's contr.treatment has them."""
        return all(
            not one.ordered and one.contrasts is None and name not in self.frame.contrasts
            for name, one in self.factors.items()
        )

    @property
    def factors(self) -> dict[str, Factor]:
        """The variables that are factors, by name."""
        each = {name: numbers_or_factor(self.frame.columns[name]) for name in self.terms.names}
        return {name: one for name, one in each.items() if isinstance(one, Factor)}

    @cached_property
    def by_treatment(self) -> tuple[Array, tuple[str, ...]]:
        """X (n, k) with treatment contrasts for every factor, dependent columns too, and the names of its columns."""
        return coded_terms(self.terms, self.frame.columns, self.frame, self.treatments)

    @cached_property
    def cells(self) -> tuple[Array, tuple[str, ...]]:
        """X (n, k) with a column for every level of every factor in every term, and the names of its columns."""
        n = len(self.frame.y)
        blocks, names = [np.ones((n, int(self.terms.intercept)))], ["(Intercept)"] * self.terms.intercept
        for term in self.terms.terms:
            each = tuple(self.terms.variables[i] for i in term)
            alone = Terms(False, each, (tuple(range(len(each))),))
            block, own = coded_terms(alone, self.frame.columns, self.frame, {})
            blocks.append(block)
            names += own
        return np.hstack(blocks), tuple(names)

    def contained_in(self, j: int) -> list[int]:
        """The terms that contain term j: all its variables, more of them, and the same numbers among them.

        As lmerTest has it, a variable counts in a term only where the margin without it is in the model too, and a
        matrix, of poly or scale, is no number.
        """
        marginal = [self.seen(k) for k in range(len(self.terms.terms))]
        own, numbers = marginal[j], self.numbers
        return [k for k, other in enumerate(marginal) if own < other and own & numbers == other & numbers]

    def seen(self, j: int) -> set[int]:
        """The variables of a term without which the rest of it is a term of the model, or nothing."""
        term, earlier = set(self.terms.terms[j]), [set(other) for other in self.terms.terms[:j]]
        return {i for i in term if not term - {i} or any(term - {i} <= other for other in earlier)}

    @cached_property
    def numbers(self) -> set[int]:
        """The variables that are plain numbers."""
        return {
            i
            for i, name in enumerate(self.terms.names)
            if isinstance(column := self.frame.columns[name], np.ndarray) and column.dtype != bool
        }
