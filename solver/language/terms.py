"""R's ``terms.formula``: the algebra of ``+ - * / : ^ %in%`` on sets of variables."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import product

from relmer.solver.errors import ModelError
from relmer.solver.language.functions import ARITHMETIC_FUNCTIONS
from relmer.solver.language.syntax import Call, Node, Number, deparse, names

MAX_TERMS = 500

Term = tuple[int, ...]


@dataclass(frozen=True)
class Terms:
    """A right-hand side, expanded.

    Attributes
    ----------
    intercept : bool
        Whether the model has one.
    variables : tuple of Node
        Every variable of the text in the order of appearance, also those that were subtracted again.
    terms : tuple of tuple of int
        Each term as the increasing indices of its variables; lower orders first, then as written.
    """

    intercept: bool
    variables: tuple[Node, ...]
    terms: tuple[Term, ...]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The variables in R's spelling."""
        return tuple(deparse(variable) for variable in self.variables)

    @property
    def labels(self) -> tuple[str, ...]:
        """The terms in R's spelling.

        Examples
        --------
        >>> from relmer.solver.language.syntax import parse_expression
        >>> expand(parse_expression("a*b - 1")).labels
        ('a', 'b', 'a:b')
        """
        return tuple(":".join(self.names[i] for i in term) for term in self.terms)


def expand(node: Node) -> Terms:
    """Expand a right-hand side without bars into its terms, as R's ``terms.formula`` does.

    Parameters
    ----------
    node : Node
        The tree of the right-hand side.

    Returns
    -------
    Terms
        Intercept, variables and ordered terms.

    Raises
    ------
    ModelError
        If the tree holds something that is no term, such as a number other than 0 and 1.

    Examples
    --------
    >>> from relmer.solver.language.syntax import parse_expression
    >>> expand(parse_expression("0 + a/b + x")).labels
    ('a', 'x', 'a:b')
    """
    variables: list[Node] = []
    _collect_variables(node, variables)
    expansion = _Expansion({variable: i for i, variable in enumerate(variables)})
    found = expansion.terms(node, adding=True)
    return Terms(expansion.intercept, tuple(variables), tuple(sorted(found, key=len)))


def _collect_variables(node: Node, variables: list[Node]) -> None:
    match node:
        case Number():
            return
        case Call("^", (left, _)):
            _collect_variables(left, variables)
        case Call("+" | "-" | "*" | "/" | ":" | "%in%" | "(", arguments):
            for argument in arguments:
                _collect_variables(argument, variables)
        case Call("|" | "||" | "~", _):
            raise ModelError(f"'{deparse(node)}' cannot stand here; add random terms as '+ (x | g)'")
        case _:
            check_arithmetic(node)
            if next(names(node), None) is None:
                raise ModelError(f"'{deparse(node)}' uses no column of the data; remove it")
            if node not in variables:
                variables.append(node)


def check_arithmetic(node: Node) -> None:
    """Refuse a tree that is not arithmetic on columns.

    Raises
    ------
    ModelError
        Naming the operator that has no arithmetic meaning.
    """
    match node:
        case Call("+" | "-" | "*" | "/" | "^" | "(" | "I" | "scale" | "factor" | "as.factor", arguments):
            for argument in arguments:
                check_arithmetic(argument)
        case Call(function, (argument,)) if function in ARITHMETIC_FUNCTIONS:
            check_arithmetic(argument)
        case Call(function, _):
            raise ModelError(f"'{function}' in '{deparse(node)}' is not arithmetic; use + - * / ^")


class _Expansion:
    """One pass over the tree; the intercept is the state that R's C code keeps in a global."""

    def __init__(self, index: dict[Node, int]) -> None:
        self.index = index
        self.intercept = True

    def terms(self, node: Node, adding: bool) -> list[Term]:
        match node:
            case Number(value):
                if value not in (0, 1):
                    raise ModelError(f"'{deparse(node)}' is no term; use 1, 0 or I({deparse(node)} * x)")
                self.intercept = (value == 1) == adding
                return []
            case Call("+" | "(", (inner,)):
                return self.terms(inner, adding)
            case Call("^", (left, right)):
                return _power(self.terms(left, adding), _exponent(right))
            case Call("-", (*left, right)):
                kept = [term for node in left for term in self.terms(node, adding)]
                removed = self.terms(right, not adding)
                return [term for term in kept if term not in removed]
            case Call(operator, (left, right)) if operator in _COMBINE:
                first = self.terms(left, adding)
                return _COMBINE[operator](first, self.terms(right, adding))
        return [(self.index[node],)]


def _exponent(node: Node) -> int:
    if not isinstance(node, Number) or node.value != int(node.value) or not 2 <= node.value <= 100:
        raise ModelError(f"'^{deparse(node)}' needs a whole number from 2 to 100; write I(x^2) for a square")
    return int(node.value)


def _union(*terms: Term) -> Term:
    return tuple(sorted({i for term in terms for i in term}))


def _distinct(terms: Iterable[Term]) -> list[Term]:
    distinct = list(dict.fromkeys(terms))
    if len(distinct) > MAX_TERMS:
        raise ModelError(f"the formula expands to more than {MAX_TERMS} terms; write fewer crossings")
    return distinct


def _interact(left: list[Term], right: list[Term]) -> list[Term]:
    return _distinct(_union(a, b) for a, b in product(left, right))


def _cross(left: list[Term], right: list[Term]) -> list[Term]:
    # R appends to the left list in place: nothing can be appended to an empty one.
    return _distinct([*left, *right, *_interact(left, right)]) if left else []


def _nest(left: list[Term], right: list[Term]) -> list[Term]:
    outer = _union(*left)
    return _distinct([*left, *(_union(outer, term) for term in right)]) if left else []


def _within(left: list[Term], right: list[Term]) -> list[Term]:
    outer = _union(*right)
    return _distinct(_union(term, outer) for term in left)


def _add(left: list[Term], right: list[Term]) -> list[Term]:
    return _distinct([*left, *right])


def _power(base: list[Term], exponent: int) -> list[Term]:
    result = base
    for _ in range(exponent - 1):
        previous, result = result, _interact(base, result)
        if result == previous:
            break
    return result


_COMBINE: dict[str, Callable[[list[Term], list[Term]], list[Term]]] = {
    "+": _add,
    "*": _cross,
    "/": _nest,
    ":": _interact,
    "%in%": _within,
}
