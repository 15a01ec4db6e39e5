"""R's random numbers: every expected value was printed by R 4.2.2, doubles with sprintf("%a")."""

import numpy as np
import pytest

from relmer.datasets import RandomStream
from relmer.datasets.rng import normal_quantile


def doubles(*printed: str) -> list[float]:
    return [float.fromhex(figure) for figure in printed]


def test_uniform() -> None:
    expected = doubles("0x1.267ab8bp-2", "0x1.939cbb1p-1", "0x1.a2cad8ap-2")
    assert RandomStream(123).uniform(3).tolist() == expected


@pytest.mark.parametrize(
    ("seed", "expected"),
    [
        (123, doubles("-0x1.1ef6a9f84adbdp-1", "-0x1.d7674bacd93bfp-3", "0x1.8f07821146169p+0")),
        (0, doubles("0x1.4350f8d5e7f48p+0", "-0x1.4e101e3c6136dp-2", "0x1.546db9787f3e6p+0")),
        (-5, doubles("0x1.40e7e7d9010a4p-1", "-0x1.bf8396d4f766p-1", "0x1.c688fce8e3c9bp+0")),
        (2147483647, doubles("0x1.fac92306a0fb4p-2", "-0x1.b4db5851c62d4p-1", "0x1.97a6a694d0855p+0")),
    ],
)
def test_normal_for_seeds_of_every_sign(seed: int, expected: list[float]) -> None:
    assert RandomStream(seed).normal(3).tolist() == expected


# set.seed(1); range(rnorm(200000))
def test_a_long_stream_reaches_the_same_extremes() -> None:
    values = RandomStream(1).normal(200_000)
    assert [values.min(), values.max()] == doubles("-0x1.22b221ae0723bp+2", "0x1.14125c8be2617p+2")


def test_a_whole_permutation() -> None:
    stream = RandomStream(42)
    assert stream.sample(10, 10).tolist() == [1, 5, 10, 8, 2, 4, 6, 9, 7, 3]
    assert stream.sample(100_000, 4).tolist() == [47128, 16740, 61605, 73236]


def test_sampling_around_the_width_of_a_chunk_of_bits() -> None:
    stream = RandomStream(7)
    assert stream.sample(65536, 6).tolist() == [26067, 4572, 51906, 63706, 30088, 15171]
    assert stream.sample(1, 1).tolist() == [1]
    assert stream.sample(65537, 3).tolist() == [36744, 64602, 41907]


def test_sampling_from_more_than_ten_million() -> None:
    expected = [19490259, 6736578, 17758426, 7697800, 1381807, 5853452]
    assert RandomStream(7).sample(20_000_000, 6).tolist() == expected


# set.seed(1); runif(1); sample.int(5, 2); rnorm(1)
def test_one_stream_serves_all_draws() -> None:
    stream = RandomStream(1)
    assert stream.uniform(1).tolist() == [0.26550866314209998]
    assert stream.sample(5, 2).tolist() == [4, 3]
    assert stream.normal(1).tolist() == doubles("0x1.546db9787f3e6p+0")


def test_drawing_in_parts_is_drawing_at_once() -> None:
    stream = RandomStream(9)
    parts = np.concatenate([stream.normal(2), stream.normal(0), stream.normal(3)])
    assert parts.tolist() == RandomStream(9).normal(5).tolist()


# qnorm(...): far out, in the tail, at the border of the centre, in the centre, next to 1.
@pytest.mark.parametrize(
    ("probability", "expected"),
    [
        (1e-300, "-0x1.286074064c26ep+5"),
        (1e-20, "-0x1.2865170b43a4bp+3"),
        (1e-10, "-0x1.97203597a2154p+2"),
        (0.0749, "-0x1.70b374817af5p+0"),
        (0.075, "-0x1.7085226d3e523p+0"),
        (0.5, "0x0p+0"),
        (0.9, "0x1.4813c36e26d34p+0"),
        (0.999999, "0x1.30381a97985f1p+2"),
        (1 - 1e-16, "0x1.06b48528cea51p+3"),
    ],
)
def test_normal_quantile(probability: float, expected: str) -> None:
    assert normal_quantile(probability) == float.fromhex(expected)


@pytest.mark.parametrize("seed", [-(2**31), 2**31])
def test_a_seed_that_r_refuses(seed: int) -> None:
    with pytest.raises(ValueError, match=f"^seed {seed} is no seed for R: give a whole number within"):
        RandomStream(seed)


@pytest.mark.parametrize("size", [-1, 4])
def test_a_sample_that_cannot_be_drawn(size: int) -> None:
    with pytest.raises(ValueError, match=f"^size {size} is not between 0 and 3"):
        RandomStream(1).sample(3, size)
