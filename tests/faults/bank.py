"""All faults, by rung."""

from . import (
    coefficients,
    criterion,
    data,
    effects,
    fixed_effects,
    inference,
    misread,
    optimum,
    random_effects,
    rows,
    variances,
)
from .fault import Fault

PARTS = (
    data,
    fixed_effects,
    random_effects,
    criterion,
    misread,
    optimum,
    coefficients,
    variances,
    effects,
    rows,
    inference,
)
FAULTS: dict[str, Fault] = {fault.name: fault for part in PARTS for fault in part.FAULTS}
