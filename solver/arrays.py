"""Names for the arrays that every wing speaks of."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]
Codes = Integers
"""The level of each row, counted from 0."""
