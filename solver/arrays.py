"""Names for the arrays that every wing speaks of."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]
Array = NDArray[np.float64]
Codes = NDArray[np.int64]
