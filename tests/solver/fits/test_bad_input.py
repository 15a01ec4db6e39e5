"""Input that makes no model: one line that names the offender and says what to do."""

import numpy as np
import pandas as pd
import pytest

from relmer.datasets import load
from relmer.solver import ModelError, lmer

FORMULA = "Reaction ~ Days + (1 | Subject)"


def sleepstudy() -> pd.DataFrame:
    return load("sleepstudy").frame


def with_value(column: str, row: int, value: object) -> pd.DataFrame:
    data = sleepstudy().astype({column: float})
    data.loc[row, column] = value
    return data


BAD = {
    "missing column": (lambda: lmer("Reaction ~ Dayz + (1 | Subject)", sleepstudy()), "Dayz"),
    "unparsable formula": (lambda: lmer("Reaction ~ Days + (1 | ", sleepstudy()), "formula"),
    "unknown function": (lambda: lmer("Reaction ~ system(Days) + (1 | Subject)", sleepstudy()), "system"),
    "no rows left": (lambda: lmer(FORMULA, sleepstudy().assign(Days=np.nan)), "row"),
    "one level": (lambda: lmer(FORMULA, sleepstudy().query("Subject == '308'")), "Subject has one level"),
    "levels = n": (
        lambda: lmer("Reaction ~ Days + (1 | row)", sleepstudy().assign(row=[f"r{k}" for k in range(180)])),
        "row has 180 levels for 180 rows",
    ),
    "n <= random effects": (
        lambda: lmer("Reaction ~ Days + (Days | Subject)", sleepstudy().query("Days < 2")),
        r"\(Intercept\) \+ Days \| Subject\) has 36 random effects for 36 rows",
    ),
    "Inf in the response": (lambda: lmer(FORMULA, with_value("Reaction", 4, np.inf)), "Reaction"),
    "Inf in a covariate": (lambda: lmer(FORMULA, with_value("Days", 4, -np.inf)), "Days"),
    "non-numeric response": (lambda: lmer("Subject ~ Days + (1 | Subject)", sleepstudy()), "Subject"),
    "negative weight": (lambda: lmer(FORMULA, sleepstudy(), weights=[-1.0, *[1.0] * 179]), "weight"),
    "zero weight": (lambda: lmer(FORMULA, sleepstudy(), weights=[0.0, *[1.0] * 179]), "weight"),
    "weights too few": (lambda: lmer(FORMULA, sleepstudy(), weights=[1.0, 2.0]), "weights"),
    "more coefficients than rows": (
        lambda: lmer("Reaction ~ factor(Days)", sleepstudy().query("Subject == '308'")),
        "10 rows do not determine 10 coefficients",
    ),
    "constant response": (lambda: lmer(FORMULA, sleepstudy().assign(Reaction=1.0)), "without residual"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_line_that_names_the_offender(name: str) -> None:
    call, offender = BAD[name]
    with pytest.raises(ModelError, match=offender) as caught:
        call()
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 300
