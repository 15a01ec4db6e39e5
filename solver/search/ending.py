"""How a search may end."""

from enum import StrEnum


class Ending(StrEnum):
    """Why a search ended; the value is the sentence that says it."""

    NOTHING = "there are no random effects, so there is nothing to search"
    SETTLED = "the last step left less of a gap than any digit shows"
    ROUNDED = "rounding hides what a further step would gain"
    STUCK = "no step along Newton's direction lowers the criterion"
    EXHAUSTED = "the steps that a search may take are used up"
    OPEN = "a dual is negative, but no step along it lowers the criterion"
    CONTRADICTED = "values of the criterion lead on from where its derivatives vanish"
    DROWNED = (
        "the random effects are so large beside the residual, or the weights so uneven, that rounding hides where the "
        "criterion is lowest"
    )
    UNCARRIED = (
        "theta's doubles do not carry the optimum that was found, for a covariate's mean is too far above its spread: "
        "subtract the mean"
    )
    GIVEN = "theta was given, nothing was searched"
