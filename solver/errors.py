"""The one error that the solver raises for input it cannot take."""


class ModelError(ValueError):
    """Formula or data that do not make a model; one line that names the offender and the remedy."""
