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
# What the page and the report count. Faults of rung 6 and of partial answers are planted on the smallest case
# where they must show: how many of all cases show them has not been measured yet.
COUNTED: dict[str, Fault] = {name: fault for name, fault in FAULTS.items() if fault.rung != 6 and fault.cut is None}
