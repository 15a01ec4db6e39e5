"""R's random numbers without R, bit for bit.

What `set.seed(seed)` selects by default since R 3.6: the Mersenne Twister of Matsumoto and Nishimura (1998),
normal deviates by inversion with Wichura's algorithm AS 241 (1988), and sampling by rejection.
All arithmetic is in double precision, in R's order of operations.
"""

import math

import numpy as np
from numpy.typing import NDArray

_WORD = 2**32
_INT_MAX = 2**31 - 1
_KEY_WORDS = 624
_SCRAMBLES = 50
_UNIT = 2.3283064365386963e-10  # 2^-32
_SMALLEST_GAP = 0.5 * 2.328306437080797e-10  # half of 1 / (2^32 - 1)
_INVERSION_STEPS = 134217728.0  # 2^27
_LARGEST_TABLE = 10_000_000  # above it R draws a small sample without a table of the population

# AS 241: numerator and denominator, highest power first, around the centre, in the tail and far out.
_CENTRE = (
    (
        2509.0809287301226727,
        33430.575583588128105,
        67265.770927008700853,
        45921.953931549871457,
        13731.693765509461125,
        1971.5909503065514427,
        133.14166789178437745,
        3.387132872796366608,
    ),
    (
        5226.495278852854561,
        28729.085735721942674,
        39307.89580009271061,
        21213.794301586595867,
        5394.1960214247511077,
        687.1870074920579083,
        42.313330701600911252,
        1.0,
    ),
)
_TAIL = (
    (
        7.7454501427834140764e-4,
        0.0227238449892691845833,
        0.24178072517745061177,
        1.27045825245236838258,
        3.64784832476320460504,
        5.7694972214606914055,
        4.6303378461565452959,
        1.42343711074968357734,
    ),
    (
        1.05075007164441684324e-9,
        5.475938084995344946e-4,
        0.0151986665636164571966,
        0.14810397642748007459,
        0.68976733498510000455,
        1.6763848301838038494,
        2.05319162663775882187,
        1.0,
    ),
)
_FAR_OUT = (
    (
        2.01033439929228813265e-7,
        2.71155556874348757815e-5,
        0.0012426609473880784386,
        0.026532189526576123093,
        0.29656057182850489123,
        1.7848265399172913358,
        5.4637849111641143699,
        6.6579046435011037772,
    ),
    (
        2.04426310338993978564e-15,
        1.4215117583164458887e-7,
        1.8463183175100546818e-5,
        7.868691311456132591e-4,
        0.0148753612908506148525,
        0.13692988092273580531,
        0.59983220655588793769,
        1.0,
    ),
)


class RandomStream:
    """The stream of random numbers that R's `set.seed(seed)` starts.

    Every draw moves the stream on, as it does in R.

    Parameters
    ----------
    seed
        A whole number, at most 2147483647 in absolute value.

    Raises
    ------
    ValueError
        If R does not accept the seed.

    Examples
    --------
    >>> stream = RandomStream(123)
    >>> stream.normal(2)
    array([-0.56047565, -0.23017749])
    >>> RandomStream(123).sample(10, 3)
    array([ 3, 10,  2])
    """

    def __init__(self, seed: int) -> None:
        if not -_INT_MAX <= seed <= _INT_MAX:
            raise ValueError(f"seed {seed} is no seed for R: give a whole number within ±{_INT_MAX}")
        self._generator = np.random.MT19937()
        self._generator.state = {
            "bit_generator": "MT19937",
            "state": {"key": _initial_key(seed), "pos": _KEY_WORDS},
        }

    def uniform(self, n: int) -> NDArray[np.float64]:
        """Return what `runif(n)` returns: `n` numbers strictly between 0 and 1."""
        values = self._generator.random_raw(n).astype(np.float64) * _UNIT
        return np.clip(values, _SMALLEST_GAP, 1.0 - _SMALLEST_GAP)

    def normal(self, n: int) -> NDArray[np.float64]:
        """Return what `rnorm(n)` returns: `n` standard normal deviates."""
        coarse, fine = self.uniform(2 * n).reshape(n, 2).T
        probabilities = (np.floor(_INVERSION_STEPS * coarse) + fine) / _INVERSION_STEPS
        return np.array([normal_quantile(p) for p in probabilities.tolist()], dtype=np.float64)

    def sample(self, n: int, size: int) -> NDArray[np.int64]:
        """Return what `sample.int(n, size)` returns: `size` different numbers from 1 to `n`.

        Raises
        ------
        ValueError
            If `size` is negative or greater than `n`.
        """
        if not 0 <= size <= n:
            raise ValueError(f"size {size} is not between 0 and {n}: without replacement no more can be drawn")
        if n > _LARGEST_TABLE and size <= n // 2:
            return self._sample_by_retrying(n, size)
        population = np.arange(1, n + 1)
        drawn = np.empty(size, dtype=np.int64)
        for i in range(size):
            index = self._index(n - i)
            drawn[i] = population[index]
            population[index] = population[n - i - 1]
        return drawn

    def _sample_by_retrying(self, n: int, size: int) -> NDArray[np.int64]:
        """Draw numbers until `size` of them differ, each in the place where it came first."""
        drawn: dict[int, None] = {}
        while len(drawn) < size:
            drawn[self._index(n) + 1] = None
        return np.array(list(drawn), dtype=np.int64)

    def _index(self, n: int) -> int:
        """Draw a whole number from 0 to n - 1, by rejection."""
        bits = (n - 1).bit_length()
        while (index := self._bits(bits)) >= n:
            pass
        return index

    def _bits(self, count: int) -> int:
        """Draw a whole number of `count` bits, 16 from each uniform number."""
        value = 0
        for chunk in self.uniform(count // 16 + 1).tolist():
            value = (value << 16) + int(chunk * 65536)
        return value & ((1 << count) - 1)


def normal_quantile(probability: float) -> float:
    """Return what `qnorm(probability)` returns, for a probability strictly between 0 and 1.

    Examples
    --------
    >>> normal_quantile(0.5)
    0.0
    """
    centred = probability - 0.5
    if abs(centred) <= 0.425:
        above, below = (_horner(part, 0.180625 - centred * centred) for part in _CENTRE)
        return centred * above / below
    tail = probability if centred < 0 else 0.5 - probability + 0.5
    root = math.sqrt(-math.log(tail))
    parts, x = (_TAIL, root - 1.6) if root <= 5 else (_FAR_OUT, root - 5)
    above, below = (_horner(part, x) for part in parts)
    return -above / below if centred < 0 else above / below


def _horner(coefficients: tuple[float, ...], x: float) -> float:
    """Evaluate a polynomial at x, its highest power first."""
    value = coefficients[0]
    for coefficient in coefficients[1:]:
        value = value * x + coefficient
    return value


def _initial_key(seed: int) -> NDArray[np.uint32]:
    """The 624 words of the Mersenne Twister that R's `set.seed(seed)` makes by a linear congruential generator."""
    words = []
    word = seed % _WORD
    for _ in range(_SCRAMBLES + 1 + _KEY_WORDS):
        word = (69069 * word + 1) % _WORD
        words.append(word)
    return np.array(words[-_KEY_WORDS:], dtype=np.uint32)
