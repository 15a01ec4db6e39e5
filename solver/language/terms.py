"""R's ``terms.formula``: the algebra of ``+ - * / : ^ %in%`` on sets of variables."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import product

from relmer.solver.errors import ModelError
from relmer.solver.language.signatures import Result
from relmer.solver.language.syntax import Call, Constant, Node, Number, deparse, names, shown

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
    collect_variables(node, variables)
    expansion = Expansion({variable: i for i, variable in enumerate(variables)})
    found = expansion.terms(node, adding=True)
    return Terms(expansion.intercept, tuple(variables), tuple(sorted(found, key=len)))


def collect_variables(node: Node, variables: list[Node]) -> None:
    """Append the variables of a right-hand side that are not in the list yet, in the order of the text."""
    match node:
        case Number() | Constant("TRUE" | "FALSE"):
            return
        case Call("^", (left, _)):
            collect_variables(left, variables)
        case Call("+" | "-" | "*" | "/" | ":" | "%in%" | "(", arguments):
            for argument in arguments:
                collect_variables(argument, variables)
        case Call("|" | "||" | "~", _):
            raise ModelError(f"'{shown(node)}' cannot stand here; add random terms as '+ (x | g)'")
        case _:
            check_arithmetic(node)
            if next(names(node), None) is None:
                raise ModelError(f"'{shown(node)}' uses no column of the data; remove it")
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
        case Call() if node.makes(Result.OFFSET):
            raise ModelError(f"'{shown(node)}' can only be added as a term of its own, as in y ~ x + {shown(node)}")
        case Call(function, _) if node.meaning is None:
            raise ModelError(f"'{function}' in '{shown(node)}' is not arithmetic; use + - * / ^")
        case Call(_, arguments):
            for argument in arguments:
                check_arithmetic(argument)


class Expansion:
    """One pass over the tree from left to right, in which each 0 or 1 changes the intercept, as in R's C code."""

    def __init__(self, index: dict[Node, int]) -> None:
        self.index = index
        self.intercept = True

    def terms(self, node: Node, adding: bool) -> list[Term]:
        """The terms of a tree that is added or taken away, which decides what its 0 or 1 does to the intercept."""
        match node:
            case Number() | Constant():
                self.intercept = (intercept_of(node) == 1) == adding
                return []
            case Call("+" | "(", (inner,)):
                return self.terms(inner, adding)
            case Call("^", (left, right)):
                return interact_up_to(self.terms(left, adding), exponent_of(right))
            case Call("-", (*left, right)):
                kept = [term for node in left for term in self.terms(node, adding)]
                removed = self.terms(right, not adding)
                return [term for term in kept if term not in removed]
            case Call(operator, (left, right)) if operator in COMBINE:
                first = self.terms(left, adding)
                return COMBINE[operator](first, self.terms(right, adding))
        return [(self.index[node],)]


def intercept_of(node: Number | Constant) -> int:
    """The 0 or 1 that a constant is; R takes FALSE and TRUE for them."""
    value = node.value if isinstance(node, Number) else float(node.name == "TRUE")
    if value not in (0, 1):
        raise ModelError(f"'{shown(node)}' is no term; use 1, 0 or I({shown(node)} * x)")
    return int(value)


def exponent_of(node: Node) -> int:
    """The whole number after ``^``."""
    if not isinstance(node, Number) or node.value != int(node.value) or not 2 <= node.value <= 100:
        raise ModelError(f"'^{shown(node)}' needs a whole number from 2 to 100; write I(x^2) for a square")
    return int(node.value)


def union(*terms: Term) -> Term:
    """The term of all variables of some terms."""
    return tuple(sorted({i for term in terms for i in term}))


def unrepeated(terms: Iterable[Term]) -> list[Term]:
    """The terms without repeats, in order; refused if they are too many."""
    found = list(dict.fromkeys(terms))
    if len(found) > MAX_TERMS:
        raise ModelError(f"the formula expands to more than {MAX_TERMS} terms; write fewer crossings")
    return found


def interact(left: list[Term], right: list[Term]) -> list[Term]:
    """``left:right``: each term of one with each of the other."""
    return unrepeated(union(a, b) for a, b in product(left, right))


def cross(left: list[Term], right: list[Term]) -> list[Term]:
    """``left*right``: both and their interactions."""
    # R appends to the left list in place: nothing can be appended to an empty one.
    return unrepeated([*left, *right, *interact(left, right)]) if left else []


def nest(left: list[Term], right: list[Term]) -> list[Term]:
    """``left/right``: the left, and each term of the right within all variables of the left."""
    outer = union(*left)
    return unrepeated([*left, *(union(outer, term) for term in right)]) if left else []


def within(left: list[Term], right: list[Term]) -> list[Term]:
    """``left %in% right``: each term of the left with all variables of the right."""
    outer = union(*right)
    return unrepeated(union(term, outer) for term in left)


def add(left: list[Term], right: list[Term]) -> list[Term]:
    """``left + right``."""
    return unrepeated([*left, *right])


def interact_up_to(base: list[Term], exponent: int) -> list[Term]:
    """``base^exponent``: `base` crossed with itself so often, which keeps its terms, for ``a:a`` is ``a``."""
    result = base
    for _ in range(exponent - 1):
        previous, result = result, interact(base, result)
        if result == previous:
            break
    return result


COMBINE: dict[str, Callable[[list[Term], list[Term]], list[Term]]] = {
    "+": add,
    "*": cross,
    "/": nest,
    ":": interact,
    "%in%": within,
}
