"""A certificate made by hand: Dyestuff, REML and ML, from the closed form of a balanced one-way layout.

All numbers are those of the textbook's formulas on the mean squares of Dyestuff, MSB = 11271.5 and MSW = 2451.25, which
the manual page of R's data prints; nothing of relmer takes part.
"""

import json
from decimal import Decimal, localcontext
from typing import Any

PI = Decimal("3.14159265358979323846264338327950288419716939937510582")
SHA256 = "4fa4c10f8db617562965d43014e2bb15df244f2cc0a1f83f47b3cd4ac40c17a1"
k, J, MSB, MSW, MEAN = 6, 5, Decimal("11271.5"), Decimal("2451.25"), Decimal("1527.5")


def dyestuff(REML: bool = True, **changes: Any) -> dict[str, Any]:
    """The certificate as plain data, with some of its fields changed."""
    with localcontext() as context:
        context.prec = 50
        n = k * J
        level = MSB if REML else MSB * (k - 1) / k
        variance = (level - MSW) / J
        d = n - 1 if REML else n
        criterion = d * (1 + (2 * PI).ln()) + k * (level.ln() + (J - 1) * MSW.ln())
        if REML:
            criterion += (n / level).ln()
        values = {
            "criterion": criterion,
            "sigma": MSW.sqrt(),
            "sigma2": MSW,
            "theta[Batch.(Intercept)]": (variance / MSW).sqrt(),
            "G[Batch, (Intercept)]": variance / MSW,
            "var[Batch, (Intercept)]": variance,
            "beta[(Intercept)]": MEAN,
            "se[(Intercept)]": (level / n).sqrt(),
            "vcov[(Intercept), (Intercept)]": level / n,
        }
        text = {key: {"value": f"{value:.30g}", "radius": "1e-26"} for key, value in values.items()}
        df, se = Decimal(3), values["se[(Intercept)]"]
        concluded = {
            "logLik": -criterion / 2,
            "df": df,
            "AIC": criterion + 2 * df,
            "BIC": criterion + df * Decimal(n).ln(),
            "t[(Intercept)]": MEAN / se,
            "ddf[satterthwaite, (Intercept)]": Decimal(k - 1 if REML else k),
        }
        inference = {
            "values": {key: {"value": f"{value:.30g}", "radius": "1e-26"} for key, value in concluded.items()},
            "refused": {"kenward-roger": "left out by hand"},
        }
    reading = {
        "kind": "exact",
        "level": "exact",
        "centre": None,
        "precision": None,
        "radius": None,
        "unique": None,
        "curvature": None,
        "duals": None,
        "starts": None,
        "tree": None,
        "values": text,
        "inference": inference,
    }
    certificate = {
        "schema": "relmer-certificate/3",
        "name": f"dyestuff.{'reml' if REML else 'ml'}",
        "case": f"dyestuff/{'reml' if REML else 'ml'}",
        "formula": "Yield ~ 1 + (1 | Batch)",
        "REML": REML,
        "data": {"name": "Dyestuff", "file": "Dyestuff.csv", "sha256": SHA256, "rows": n},
        "model": {
            "response": "Yield",
            "fixed": [["(Intercept)"]],
            "random": [{"name": "Batch", "group": ["Batch"], "columns": [["(Intercept)"]]}],
            "scores": {},
        },
        "made": {"by": "hand"},
        "readings": {"decimal": reading, "double": reading},
        "effects": {"file": "effects/by-hand.json.gz", "sha256": "0" * 64, "number": 12},
    }
    return certificate | changes


def older(REML: bool = True, **changes: Any) -> dict[str, Any]:
    """The same by the schema of before, which says nothing of what is concluded."""
    certificate = dyestuff(REML, schema="relmer-certificate/2", **changes)
    del certificate["effects"]
    readings = certificate["readings"]
    certificate["readings"] = {
        which: {key: own for key, own in reading.items() if key != "inference"} for which, reading in readings.items()
    }
    return certificate


def text(**changes: Any) -> str:
    """The certificate as JSON."""
    return json.dumps(dyestuff(**changes))
