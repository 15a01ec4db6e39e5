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
    }
    certificate = {
        "schema": "relmer-certificate/2",
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
    }
    return certificate | changes


def text(**changes: Any) -> str:
    """The certificate as JSON."""
    return json.dumps(dyestuff(**changes))
