"""The error that the solver raises for input it cannot take."""

LONGEST = 600
"""Characters of a message; what is longer loses its middle."""


def shortened(text: str, longest: int = 80) -> str:
    """A text without its middle, if it is too long to be shown.

    Examples
    --------
    >>> shortened("abcdefghij", 7)
    'abc…hij'
    """
    half = (longest - 1) // 2
    return text if len(text) <= longest else f"{text[:half]}…{text[len(text) - half :]}"


class ModelError(ValueError):
    """Formula or data that do not make a model; one line that names the offender and the remedy."""

    def __init__(self, message: str) -> None:
        # A formula, a name or a label may hold line ends.
        super().__init__(shortened(" ".join(message.splitlines()), LONGEST))


class Unbounded(ModelError):
    """The response is fitted without residual: the criterion falls without bound, and there is no optimum."""
