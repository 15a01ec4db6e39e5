"""What should be told about the levels of a model: where they differ from R's, in number or in order."""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence

from relmer.solver.language.factors import Column, Factor, Origin, as_factor, levels_in_R
from relmer.solver.language.formula import Formula
from relmer.solver.language.labels import NUMBER_DIGITS
from relmer.solver.language.terms import Terms

PUNCTUATION = " _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$"
"""In ICU's order."""


def level_notes(formula: Formula, columns: Mapping[str, Column]) -> Iterator[str]:
    """Yield a line for each factor whose levels R might see otherwise."""
    groups = {name for bar in formula.bars for name in bar.factors}
    coded = {name for terms in (formula.fixed, *(bar.terms for bar in formula.bars)) for name in left_in(terms)}
    for name, column in columns.items():
        if isinstance(column, Factor) or name in groups:
            factor = column if isinstance(column, Factor) else as_factor(column)
            yield from number_notes(f"{name:.80}", factor)
            if name in coded and factor.origin in (Origin.TEXT, Origin.SORTED):
                yield from order_notes(f"{name:.80}", factor.levels)


def left_in(terms: Terms) -> set[str]:
    """The variables that are left in some terms."""
    return {terms.names[i] for term in terms.terms for i in term}


def number_notes(name: str, factor: Factor) -> Iterator[str]:
    """Yield a line where numbers are more levels than in R, or where they are fewer levels than numbers.

    Examples
    --------
    >>> import numpy as np
    >>> list(number_notes("id", as_factor(np.array([10**16, 10**16 + 1]))))
    ['id: 2 whole numbers are 2 levels; R labels numbers by 15 digits and would see 1: for R, make them text']
    """
    levels = len(factor.levels)
    if factor.origin is Origin.MERGED:
        yield (
            f"{name}: numbers that agree in {NUMBER_DIGITS} digits are one level, as in R, which leaves {levels}; "
            "if they are labels, make them whole numbers or text"
        )
    if factor.origin is Origin.WHOLE and max(map(len, factor.levels), default=0) > NUMBER_DIGITS:
        merged = levels_in_R(factor)
        if merged < levels:
            yield (
                f"{name}: {levels} whole numbers are {levels} levels; R labels numbers by {NUMBER_DIGITS} digits and "
                f"would see {merged}: for R, make them text"
            )


def order_notes(name: str, levels: Sequence[str]) -> Iterator[str]:
    """Yield a line where text that is sorted by code point may be in another order in R, which asks the locale.

    Examples
    --------
    >>> list(order_notes("f", ("a", "b"))), len(list(order_notes("f", ("B", "a"))))
    ([], 1)
    """
    elsewhere = sorted(levels, key=collated)
    if elsewhere != list(levels):
        here, there = next(pair for pair in zip(levels, elsewhere, strict=True) if pair[0] != pair[1])
        yield (
            f"{name}: text is sorted by code point, as in R's locale C, with {here!r:.40} where locales like "
            f"en_US have {there!r:.40}{', the reference' if here == levels[0] else ''}; "
            "pandas.Categorical(values, categories=[...]) sets the order"
        )


def collated(text: str) -> tuple[object, ...]:
    """What a text is sorted by in R's locale en_US (ICU's root collation, for Latin letters).

    Blanks and punctuation come before digits, these before letters; where base letters are equal, accents decide, then
    case, lower case before upper case.

    Examples
    --------
    >>> sorted(["b", "B", "é", "f", "e", "1", "a b", "a-b", "ab"], key=collated)
    ['1', 'a b', 'a-b', 'ab', 'b', 'B', 'e', 'é', 'f']
    """
    plain = unicodedata.normalize("NFKD", text.replace("ß", "ss").replace("ẞ", "SS"))
    base = [c for c in plain if not unicodedata.combining(c)]
    accents = [[ord(c) for c in mark] for mark in marks(plain)]
    return [weight(c) for c in base], accents, [c.isupper() for c in base], text


def weight(character: str) -> tuple[int, int, str]:
    """Where a character without accents stands among others, whatever its case."""
    if character.isalnum():
        return (1 if character.isdecimal() else 2), 0, character.casefold()
    place = PUNCTUATION.find(character)
    return 0, place if place >= 0 else len(PUNCTUATION), character


def marks(plain: str) -> list[str]:
    """The combining marks after each character that is none."""
    found: list[str] = []
    for character in plain:
        if unicodedata.combining(character) and found:
            found[-1] += character
        else:
            found.append("")
    return found
