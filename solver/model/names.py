"""R's rules for names that are no names of its grammar, or that come twice."""

import re
from collections.abc import Sequence

# R's words that are no names.
LOOPS = {"if", "else", "repeat", "while", "function", "for", "next", "break", "in"}
VALUES = {"TRUE", "FALSE", "NULL", "Inf", "NaN", "NA", "NA_integer_", "NA_real_", "NA_character_", "NA_complex_"}


def make_unique(names: Sequence[str]) -> tuple[str, ...]:
    """R's make.unique: what comes again gets .1, .2 and so on, the first of them that is nobody's name.

    Examples
    --------
    >>> make_unique(["g", "g", "g.1", "g"])
    ('g', 'g.2', 'g.1', 'g.3')
    """
    taken, count = set(names), dict.fromkeys(names, 0)
    found: dict[str, None] = {}
    for name in names:
        unique = name
        while unique in (taken if count[name] else found):
            count[name] += 1
            unique = f"{name}.{count[name]}"
        taken.add(unique)
        found[unique] = None
    return tuple(found)


def make_names(names: Sequence[str]) -> tuple[str, ...]:
    """R's make.names(names, unique = TRUE): syntactic names, of which those that were so keep theirs.

    Examples
    --------
    >>> make_names(["b:a", "a", "a", "1g", "if"])
    ('b.a', 'a', 'a.1', 'X1g', 'if.')
    """
    valid = [syntactic(name) for name in names]
    order = sorted(range(len(names)), key=lambda k: names[k] != valid[k])
    unique = dict(zip(order, make_unique([valid[k] for k in order]), strict=True))
    return tuple(unique[k] for k in range(len(names)))


def syntactic(name: str) -> str:
    """The name as R's grammar has one: letters, digits, dots and underscores, beginning with a letter or a dot."""
    prefixed = name if re.match(r"[^\W\d_]|\.(?!\d)", name) else f"X{name}"
    plain = re.sub(r"[^\w.]", ".", prefixed)
    return f"{plain}." if plain in LOOPS | VALUES else plain
