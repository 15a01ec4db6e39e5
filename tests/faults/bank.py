"""All faults, by rung."""

from . import (
    coefficients,
    conclusions,
    criterion,
    data,
    effects,
    fixed_effects,
    inference,
    misread,
    optimum,
    partial,
    profiles,
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
    partial,
    optimum,
    coefficients,
    variances,
    effects,
    rows,
    inference,
    conclusions,
    profiles,
)
FAULTS: dict[str, Fault] = {fault.name: fault for part in PARTS for fault in part.FAULTS}
