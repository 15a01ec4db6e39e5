"""What a sweep comes to: counts by hand, measures by the formulas of Morris et al., any cut of the rows alike."""

import json
import math

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sweeps import DESIGNS, SIMULATED, folder_of, row

from relmer.datasets import DataError
from relmer.reports.sweeps.reading import manifest_of
from relmer.reports.sweeps.rows import SCHEMA, table
from relmer.reports.sweeps.summary import add, report_on, sweep

GRADIENT = "Model failed to converge with max|grad| = 0.0123"
HESSIAN = "Model is nearly unidentifiable: very large eigenvalue"
SINGULAR = "boundary (singular) fit: see help('isSingular')"
# Sums of at most 200 numbers of like size in another order: each addition rounds by 2^-53, so 200 of them by 2.2e-14
# of the sum of sizes. Variances lose no more than a factor of 1000 over that with the data of these tests.
REORDERED = 2.2e-11


def only(sweep, source=0, engine=0):
    return sweep.sources[source].engines[engine]


def test_stops_are_counted_by_hand(tmp_path):
    gaps = [0.0, -1e-12, 5e-10, 1e-9, 2e-9, 1.5e-6, 2e-3, 0.5, 7.0, 2000.0]
    rows = [row(design=f"d{k}", gap=gap, allowed=1e-9) for k, gap in enumerate(gaps)]
    rows += [row(design="no gap"), row(design="refused", status="unsupported", verdict="unsupported")]
    rows += [row(design="broke", status="failed", verdict="failed", message="died", gap=9.0, allowed=1.0)]
    part = only(report_on(folder_of(tmp_path, [rows])))
    assert (part.units, part.fitted, part.failed, part.unsupported) == (13, 11, 1, 1)
    # A gap that is what is allowed is within; what failed has none.
    assert (part.gaps.judged, part.gaps.beyond, part.gaps.above) == (10, 6, (5, 4, 3, 2))
    assert part.gaps.histogram == (4, 0, 1, 0, 0, 1, 0, 0, 1, 0, 1, 1, 1)
    assert part.gaps.largest == 2000.0 and part.gaps.where.design == "d9"
    assert part.verdicts == {"all": {"agree": 11, "unsupported": 1, "failed": 1}}


@pytest.mark.parametrize(
    "told, counts",
    [
        # A doubt of a stop at the optimum is without cause; of one above it is true; without a gap it is not judged.
        ({"warnings": [GRADIENT], "gap": 0.0}, {"convergence": (0, 1, 0)}),
        ({"warnings": [GRADIENT, HESSIAN], "gap": 1e-6}, {"convergence": (1, 0, 0), "Hessian": (1, 0, 0)}),
        ({"warnings": [GRADIENT, GRADIENT], "gap": 1.0}, {"convergence": (1, 0, 0)}),
        ({"warnings": [GRADIENT]}, {"convergence": (0, 0, 1)}),
        ({"warnings": [GRADIENT], "gap": 0.0, "rung5": "wrong"}, {"convergence": (1, 0, 0)}),
        ({"warnings": [GRADIENT], "gap": 0.0, "rung3": "wrong"}, {"convergence": (0, 1, 0)}),
        # "Singular" is held against the boundary, and no doubt of the stop.
        ({"warnings": [SINGULAR], "gap": 0.0, "singular": True}, {"singular": (1, 0, 0)}),
        ({"warnings": [SINGULAR], "gap": 0.0, "singular": False}, {"singular": (0, 1, 0)}),
        ({"warnings": [SINGULAR], "gap": 1.0, "singular": False}, {"singular": (0, 0, 1)}),
        ({"warnings": [SINGULAR], "gap": 0.0}, {"singular": (0, 0, 1)}),
        ({"warnings": ["package built under R 4.2"], "gap": 1.0}, {"other": (0, 0, 1)}),
        ({"warnings": None, "gap": 0.0}, {}),
    ],
)
def test_a_warning_is_held_against_the_gap_or_the_boundary(tmp_path, told, counts):
    part = only(report_on(folder_of(tmp_path, [[row(allowed=1e-9, **told)]])))
    assert {a.kind: (a.true, a.false, a.open) for a in part.alarms} == counts


def test_silence_is_counted_where_a_stop_is_above_the_optimum(tmp_path):
    rows = [
        row(gap=0.0, warnings=[GRADIENT]),
        row(gap=0.0),
        row(gap=1e-6, warnings=[SINGULAR], singular=False),
        row(gap=1e-3),
        row(gap=2e-3, warnings=[HESSIAN]),
        row(gap=3e-3, singular=True),
        row(gap=math.inf),
        row(gap=0.0, rung6="wrong"),
        row(),
    ]
    part = only(report_on(folder_of(tmp_path, [[one | {"allowed": 1e-9} for one in rows]])))
    shares = {name: (one.count, one.of) for name, one in vars(part.doubted).items()}
    assert shares == {"right": (1, 2), "estimates": (0, 1), "early": (0, 2), "wrong": (1, 3), "unsaid": (1, 1)}
    assert (part.singular.count, part.singular.of) == (1, 2) and part.gaps.largest == math.inf


def test_digits_are_rounded_down_and_the_quantiles_are_those_of_the_sorted_digits(tmp_path):
    digits = [-1.0, 0.5, 3.99, 4.0, 8.2, 15.9, 16.0, 17.0, None, math.nan]
    part = only(report_on(folder_of(tmp_path, [[row(digits_beta=one) for one in digits]])))
    (beta,) = part.digits
    assert beta.quantity == "beta" and [k for k, n in enumerate(beta.counts) for _ in range(n)] == [
        0,
        0,
        3,
        4,
        8,
        15,
        16,
        16,
    ]
    assert (beta.had_by(1.0), beta.had_by(0.5), beta.had_by(0.25)) == (0, 8, 16)


def test_times_have_their_mean_and_nearly_their_median(tmp_path):
    seconds = np.random.default_rng(3).lognormal(-2, 2, 101)
    part = only(report_on(folder_of(tmp_path, [[row(seconds=float(one)) for one in seconds]])))
    assert part.seconds.mean == pytest.approx(seconds.mean(), rel=REORDERED)
    # Half a class of 20 to a decade.
    assert abs(math.log10(part.seconds.median / np.median(seconds))) <= 1 / 40 + 1e-12


def simulated(n, seed=5):
    """Rows of a simulation as pandas has them too: some without an interval, one with beta of another length."""
    rng = np.random.default_rng(seed)
    rows = []
    for k in range(n):
        beta, se = rng.normal([2.0, -1.0], [0.5, 0.1]), rng.uniform([0.3, 0.05], [0.7, 0.2])
        ends = {"lower_wald": (beta - 1.6 * se).tolist(), "upper_wald": (beta + 1.6 * se).tolist()}
        if k % 10:
            ends |= {f"{end}_satterthwaite": (beta + s * 2 * se).tolist() for end, s in (("lower", -1), ("upper", 1))}
            ends |= {"df_satterthwaite": rng.uniform(3, 9, 2).tolist()}
        if k % 7 == 3:
            ends |= {"lower_profile": [-math.inf, beta[1] - 0.1], "upper_profile": [beta[0] + 1, None]}
        rows.append(
            row(
                source="coverage",
                kind="slopes",
                design="small",
                replicate=k,
                theta=[float(rng.normal(0.5, 0.2))],
                beta=beta.tolist(),
                se=se.tolist(),
                sigma=float(rng.normal(3.0, 0.3)),
                **ends,
            )
        )
    return rows


def test_the_measures_are_those_of_morris_white_and_crowther(tmp_path):
    rows = simulated(200)
    sweep = report_on(folder_of(tmp_path, [rows[:77], rows[77:]]))
    part = only(sweep, source=1)
    assert [p.name for p in part.parameters] == ["(Intercept)", "x", "sigma", "g.(Intercept)"]
    frame = pd.DataFrame(rows)
    estimates = [frame.beta.str[0], frame.beta.str[1], frame.sigma, frame.theta.str[0]]
    for parameter, estimate, truth in zip(part.parameters, estimates, [2.0, -1.0, 3.0, 0.5], strict=True):
        n, error = len(frame), estimate - truth
        mse = (error**2).mean()
        assert (parameter.fits, parameter.truth) == (n, truth)
        for figure, value, mc in [
            (parameter.bias, error.mean(), estimate.std() / n**0.5),
            (parameter.empirical_sd, estimate.std(), estimate.std() / (2 * (n - 1)) ** 0.5),
            (parameter.rmse, mse**0.5, (((error**2 - mse) ** 2).sum() / (n * (n - 1))) ** 0.5 / (2 * mse**0.5)),
        ]:
            assert (figure.value, figure.error) == pytest.approx((value, mc), rel=REORDERED)
    for j, parameter in enumerate(part.parameters[:2]):
        v, sd, n = frame.se.str[j] ** 2, frame.beta.str[j].std(), len(frame)
        mod = v.mean() ** 0.5
        relative = mod / sd * (v.var() / (4 * n * mod**4) + 1 / (2 * (n - 1))) ** 0.5
        assert (parameter.model_se.value, parameter.model_se.error) == pytest.approx(
            (mod, (v.var() / (4 * n * mod**2)) ** 0.5), rel=REORDERED
        )
        assert (parameter.ratio.value, parameter.ratio.error) == pytest.approx((mod / sd, relative), rel=REORDERED)
    assert part.parameters[2].model_se.value is None and part.parameters[2].intervals == ()


def test_coverage_is_counted_of_the_intervals_that_there_are(tmp_path):
    rows = simulated(200)
    part = only(report_on(folder_of(tmp_path, [rows])), source=1)
    frame = pd.DataFrame(rows)
    for j, (parameter, truth) in enumerate(zip(part.parameters[:2], [2.0, -1.0], strict=True)):
        found = {one.method: one for one in parameter.intervals}
        assert list(found) == ["wald", "satterthwaite", "profile"]
        for method, one in found.items():
            lower, upper = (pd.to_numeric(frame[f"{end}_{method}"].str[j]) for end in ("lower", "upper"))
            there = lower.notna() & upper.notna()
            covered = there & (lower <= truth) & (truth <= upper)
            assert (one.covered.count, one.covered.of) == (covered.sum(), there.sum())
            assert (one.below, one.above) == ((upper < truth).sum(), (lower > truth)[there].sum())
            assert one.without == 200 - there.sum()
            width = (upper - lower)[there].replace(math.inf, math.nan)
            assert one.unbounded == width.isna().sum() and (one.unbounded > 0) == (method == "profile" and j == 0)
            assert one.width == (None if width.isna().all() else pytest.approx(width.mean(), rel=REORDERED))
        assert found["satterthwaite"].df == pytest.approx(frame.df_satterthwaite.str[j].mean(), rel=REORDERED)
        assert found["wald"].df is None
        c = found["wald"].covered
        assert c.error == pytest.approx((c.value * (1 - c.value) / 200) ** 0.5, rel=1e-15)


def test_what_is_transformed_is_no_replicate_of_the_truth(tmp_path):
    rows = simulated(20)
    changed = [one | {"transformation": "scale", "beta": [1e6, 1e6]} for one in rows]
    part = only(report_on(folder_of(tmp_path, [rows + changed])), source=1)
    assert part.units == 40 and {p.fits for p in part.parameters} == {20}


def test_estimates_of_another_length_or_none_are_not_counted(tmp_path):
    rows = simulated(10)
    rows[0] |= {"beta": [1.0], "se": None}
    rows[1] |= {"beta": [math.nan, 5.0], "sigma": None}
    part = only(report_on(folder_of(tmp_path, [rows])), source=1)
    assert [p.fits for p in part.parameters] == [8, 9, 9, 10]


def test_one_fit_tells_no_spread(tmp_path):
    part = only(report_on(folder_of(tmp_path, [simulated(1)])), source=1)
    bias, sd = part.parameters[0].bias, part.parameters[0].empirical_sd
    assert bias.value is not None and bias.error is None and sd.value is None


def test_kinds_and_transformations_stand_apart_where_there_are_several(tmp_path):
    rows = [
        row(kind=kind, transformation=change, design=f"{kind}{change}{k}", engine=engine)
        for kind, n in (("nested", 2), ("crossed", 3))
        for change in ("", "scale")
        for engine in ("pls", "lme4")
        for k in range(n)
    ]
    (stops, coverage) = report_on(folder_of(tmp_path, [rows])).sources
    # Engines in the order of the manifest.
    assert [(p.engine, p.units) for p in stops.engines] == [("lme4", 10), ("pls", 10)]
    assert [(p.kind, p.engine, p.units) for p in stops.kinds] == [
        ("crossed", "lme4", 6),
        ("crossed", "pls", 6),
        ("nested", "lme4", 4),
        ("nested", "pls", 4),
    ]
    assert [(p.transformation, p.units) for p in stops.transformations] == [
        ("", 5),
        ("", 5),
        ("scale", 5),
        ("scale", 5),
    ]
    assert coverage.engines == ()


DRAWN = st.lists(
    st.fixed_dictionaries(
        {
            "source": st.sampled_from(["stops", "coverage"]),
            "kind": st.sampled_from(["a", "b"]),
            "engine": st.sampled_from(["lme4", "pls", "later"]),
            "status": st.sampled_from(["fitted", "fitted", "failed"]),
            "gap": st.none() | st.floats(-1e-8, 10),
            "allowed": st.none() | st.floats(0, 1e-6),
            "singular": st.none() | st.booleans(),
            "warnings": st.none() | st.lists(st.sampled_from([GRADIENT, HESSIAN, SINGULAR, "x"]), max_size=3),
            "digits_beta": st.none() | st.floats(-1, 18),
            "beta": st.none() | st.lists(st.floats(-9, 9) | st.none(), min_size=2, max_size=2),
            "sigma": st.none() | st.floats(0, 9),
            "se": st.none() | st.lists(st.floats(0.1, 2), min_size=1, max_size=3),
            "lower_wald": st.none() | st.just([-2.0, -2.0]),
            "upper_wald": st.none() | st.lists(st.floats(-3, 3), min_size=2, max_size=2),
            "seconds": st.none() | st.floats(1e-4, 10),
        }
    ),
    min_size=1,
    max_size=25,
)


def alike(one, other):
    """Whether two records say the same: counts exactly, sums but for their order."""
    if isinstance(one, float) and isinstance(other, float):
        # A spread of 0 is a root of rounding: sqrt(2^-53 * 9^2) is 9e-8, of values below 9.
        return one == pytest.approx(other, rel=1e-7, abs=1e-7) or (math.isnan(one) and math.isnan(other))
    if isinstance(one, (tuple, list)):
        return len(one) == len(other) and all(map(alike, one, other))
    if hasattr(one, "__dataclass_fields__"):
        return type(one) is type(other) and alike(list(vars(one).values()), list(vars(other).values()))
    return one == other


@given(drawn=DRAWN, cut=st.integers(1, 25), size=st.integers(1, 9))
def test_any_cut_into_blocks_and_batches_comes_to_the_same(tmp_path_factory, drawn, cut, size):
    rows = [row(design=f"d{k}", **one) for k, one in enumerate(drawn)]
    folder = tmp_path_factory.getbasetemp()
    manifest = manifest_of(folder_of(folder, []))

    def summed(batches):
        tallies = {}
        for batch in batches:
            add(tallies, manifest.sources, batch)
        return sweep(folder, manifest, tallies)

    whole = summed(table(rows).to_batches())
    parts = summed([b for block in (rows[:cut], rows[cut:]) for b in table(block).to_batches(size)])
    assert alike(whole.sources, parts.sources)
    assert whole.found == len(rows)


def test_memory_does_not_grow_with_the_rows(tmp_path):
    """What Arrow holds at its highest, over twenty times as many rows in one file, and over many files."""
    block = simulated(500)
    folder_of(tmp_path / "small", [block])
    big = pa.concat_tables([table(block)] * 20)
    folder_of(tmp_path / "big", [])
    pq.write_table(big, tmp_path / "big" / "rows" / "0.parquet", row_group_size=500)
    for k in range(1, 10):
        pq.write_table(table(block), tmp_path / "big" / "rows" / f"{k}.parquet")

    def highest(folder):
        pool, before = pa.proxy_memory_pool(pa.default_memory_pool()), pa.default_memory_pool()
        pa.set_memory_pool(pool)
        try:
            found = report_on(folder, 500).found
        finally:
            pa.set_memory_pool(before)
        return found, pool.max_memory()

    (few, small), (many, large) = highest(tmp_path / "small"), highest(tmp_path / "big")
    assert (few, many) == (500, 14_500)
    # 29 times the rows: twice the memory leaves room for the file's metadata and for one batch that waits.
    assert 0 < large < 2 * small


def damaged(folder, **manifest):
    content = json.loads((folder / "sweep.json").read_text(encoding="utf-8")) | manifest
    (folder / "sweep.json").write_text(json.dumps(content), encoding="utf-8")


def other_column(folder):
    pq.write_table(table([row()]).append_column("more", pa.array([1])), folder / "rows" / "1.parquet")


def other_type(folder):
    found = table([row()])
    where = found.schema.get_field_index("gap")
    pq.write_table(found.set_column(where, "gap", pa.array(["x"])), folder / "rows" / "1.parquet")


def cut_short(folder):
    path = folder / "rows" / "000000.parquet"
    path.write_bytes(path.read_bytes()[:-20])


@pytest.mark.parametrize(
    "spoil, words",
    [
        (lambda f: (f / "sweep.json").unlink(), "holds no sweep: there is no sweep.json in it"),
        (lambda f: (f / "sweep.json").write_text("{", encoding="utf-8"), "sweep.json is no JSON"),
        (lambda f: (f / "sweep.json").write_text("[]", encoding="utf-8"), "is no manifest of a sweep"),
        (lambda f: damaged(f, schema="relmer-sweep/9"), "its schema is not 'relmer-sweep/1'"),
        (lambda f: damaged(f, units="many"), "'units' is missing or of another type"),
        (lambda f: damaged(f, sources=[DESIGNS | {"what": "dreams"}]), "'stops' is 'dreams', and none of cases"),
        (lambda f: damaged(f, sources=[SIMULATED | {"coefficients": ["a"]}]), "not as many names as true parameters"),
        (lambda f: damaged(f, sources=[SIMULATED]), "a row's source is 'stops', which the manifest does not name"),
        (lambda f: (f / "rows" / "000000.parquet").unlink(), "has no rows yet: there is no Parquet file"),
        (lambda f: (f / "rows" / "000000.parquet").write_text("hello", encoding="utf-8"), "is no Parquet file"),
        (cut_short, "000000.parquet is no Parquet file, or a damaged one"),
        (other_column, "1.parquet is no part of a sweep: it has a column 'more'"),
        (other_type, "its column 'gap' is string, and not double"),
        (
            lambda f: pq.write_table(pa.table({"a": [1]}), f / "rows" / "1.parquet"),
            "no part of a sweep: it has no column 'source'",
        ),
        (
            lambda f: folder_of(f, [[row(status="fine")]]),
            "000000.parquet: a row's status is 'fine', and none of fitted",
        ),
        (lambda f: folder_of(f, [[row(verdict="great")]]), "a row's verdict is 'great'"),
        (lambda f: folder_of(f, [[]]), "has no rows yet: its Parquet files are empty"),
    ],
)
def test_a_folder_that_is_damaged_or_foreign_is_named_in_one_line(tmp_path, spoil, words):
    spoil(folder_of(tmp_path, [[row()]]))
    with pytest.raises(DataError) as error:
        report_on(tmp_path)
    assert words in str(error.value) and "\n" not in str(error.value) and str(tmp_path) in str(error.value)


def test_a_table_has_the_columns_of_the_schema():
    assert table([row()]).schema.equals(SCHEMA)
