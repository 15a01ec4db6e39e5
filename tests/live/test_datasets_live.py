"""The data sets and R's random numbers against a living R: bit for bit."""

import gzip
import hashlib
import json
import math
import subprocess
from decimal import Decimal
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings

import relmer.datasets
from relmer.datasets import RandomStream, cases, describe, load, simulate_three_level, star_sample
from relmer.datasets.exported import DATA, exported_names
from relmer.datasets.rng import normal_quantile
from relmer.reference.published import figures as ledger

pytestmark = pytest.mark.live

EXPORT = Path(relmer.datasets.__file__).parent / "export.R"
EXPORTED = [name for name in exported_names() if load(name).meta["script"] == "export.R"]
SEEDS = st.integers(-(2**31) + 1, 2**31 - 1)


def ask(rscript: str, code: str) -> list[str]:
    """Run R code in one process and return the lines that it printed."""
    # By standard input, because R cuts the text of -e at 10000 bytes.
    done = subprocess.run([rscript, "-"], input=code, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def doubles(line: str) -> list[float]:
    return [float.fromhex(figure) for figure in line.split()]


def vector(values: list[int] | list[float]) -> str:
    return f"c({', '.join(map(repr, values))})"


# A batch is one R process: many inputs in few examples, and no shrinking. The seed of a failure is named.
batches = settings(max_examples=3, deadline=None, derandomize=True, phases=[Phase.generate])


@batches
@given(seeds=st.lists(SEEDS, min_size=50, max_size=200), n=st.integers(1, 40))
def test_uniform_and_normal(rscript: str, seeds: list[int], n: int) -> None:
    code = f"""for (seed in {vector(seeds)}) {{
        set.seed(seed); cat(sprintf("%a", c(runif({n}), rnorm({n}), runif(1))), "\\n") }}"""
    for seed, line in zip(seeds, ask(rscript, code), strict=True):
        stream = RandomStream(seed)
        drawn = np.concatenate([stream.uniform(n), stream.normal(n), stream.uniform(1)])
        assert drawn.tolist() == doubles(line), f"seed {seed}"


SIZES = st.integers(1, 3_000).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n)))
LARGE = st.tuples(st.sampled_from([65_535, 65_536, 65_537, 131_073, 10_000_000, 10_000_001, 2**31 - 1]), st.just(25))


@batches
@given(seed=SEEDS, sizes=st.lists(SIZES | LARGE, min_size=20, max_size=40))
def test_sampling(rscript: str, seed: int, sizes: list[tuple[int, int]]) -> None:
    calls = "".join(f'cat(sample.int({n}, {size}), "\\n");' for n, size in sizes)
    stream = RandomStream(seed)
    for (n, size), line in zip(sizes, ask(rscript, f"set.seed({seed}); {calls}"), strict=True):
        assert stream.sample(n, size).tolist() == [int(number) for number in line.split()], f"{size} of {n}"


PROBABILITIES = st.floats(0, 1, exclude_min=True, exclude_max=True, allow_subnormal=False)


@batches
@given(probabilities=st.lists(PROBABILITIES, min_size=300, max_size=600))
def test_normal_quantile(rscript: str, probabilities: list[float]) -> None:
    # R reads hexadecimal constants exactly; it does not always round decimal ones to the nearest double.
    constants = ", ".join(probability.hex() for probability in probabilities)
    lines = ask(rscript, f'writeLines(sprintf("%a", qnorm(c({constants}))))')
    assert [normal_quantile(probability) for probability in probabilities] == [float.fromhex(line) for line in lines]


THREE_LEVEL = """set.seed({seed}); n1 <- {n1}; n2 <- {n2}; n3 <- {n3}
sch <- letters[1:n3]; tch <- 1:(n2 * n3)
sch.cl <- rep(sch, each = n1 * n2); tch.cl <- rep(tch, each = n1)
e3 <- rep(rnorm(n1), each = n1 * n2); e2 <- rep(rnorm(n2 * n1), each = n1)
x1 <- rnorm(n1 * n2 * n3); e1 <- rnorm(n1 * n2 * n3)
y <- e3 + e2 + .5 * x1 + e1
dat <- data.frame(y, sch.cl, tch.cl, e3, e2, x1, e1)
cat(sprintf("%a", c(dat$y, dat$tch.cl, dat$e3, dat$e2, dat$x1, dat$e1)), "\\n"); cat(dat$sch.cl, "\\n")
"""


@st.composite
def sizes_that_fit(draw: st.DrawFn) -> tuple[int, int, int]:
    small, factor = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    pair = (small, small * factor)
    n1, n3 = pair if draw(st.booleans()) else pair[::-1]
    return n1, draw(st.integers(1, 4)), n3


@batches
@given(plans=st.lists(st.tuples(SEEDS, sizes_that_fit()), min_size=10, max_size=20))
def test_three_level(rscript: str, plans: list[tuple[int, tuple[int, int, int]]]) -> None:
    code = "".join(THREE_LEVEL.format(seed=seed, n1=n1, n2=n2, n3=n3) for seed, (n1, n2, n3) in plans)
    lines = iter(ask(rscript, code))
    for seed, sizes in plans:
        frame = simulate_three_level(seed, *sizes)
        numbers = [float(x) for name in ("y", "tch.cl", "e3", "e2", "x1", "e1") for x in frame[name]]
        assert numbers == doubles(next(lines)), f"seed {seed}, sizes {sizes}"
        assert frame["sch.cl"].tolist() == next(lines).split()


@batches
@given(plans=st.lists(st.tuples(SEEDS, st.floats(0, 1)), min_size=5, max_size=10))
def test_star_sample(rscript: str, plans: list[tuple[int, float]]) -> None:
    seeds, fractions = (list(part) for part in zip(*plans, strict=True))
    code = f"""data(star, package = "mlmRev"); k <- star[star$gr == "K", ]
    fractions <- c({", ".join(fraction.hex() for fraction in fractions)}); seeds <- {vector(seeds)}
    for (i in seq_along(seeds)) {{
      set.seed(seeds[i]); ks <- k[sample.int(nrow(k), round(nrow(k) * fractions[i])), ]
      cat(as.character(ks$id), "\\n"); cat(ks$read, "\\n") }}"""
    lines = iter(ask(rscript, code))
    for seed, fraction in plans:
        frame = star_sample(seed, fraction)
        assert frame["id"].tolist() == next(lines).split(), f"seed {seed}, fraction {fraction}"
        read = ["NA" if math.isnan(score) else str(int(score)) for score in frame["read"]]
        assert read == next(lines).split()


def test_export_makes_the_committed_files(rscript: str, tmp_path: Path) -> None:
    subprocess.run([rscript, str(EXPORT), str(tmp_path)], check=True, capture_output=True)
    made = sorted(path.name for path in tmp_path.iterdir())
    metas = [load(name).meta for name in EXPORTED]
    assert made == sorted(name for meta in metas for name in (meta["file"], f"{meta['name']}.json"))
    for name in made:
        ours, theirs = ((folder / name).read_bytes() for folder in (DATA, tmp_path))
        if name.endswith(".gz"):  # the text counts: another zlib may compress it differently
            ours, theirs = gzip.decompress(ours), gzip.decompress(theirs)
        assert ours == theirs, name


FRAMES = """suppressPackageStartupMessages(library(jsonlite))
data(list = "{name}", package = "{package}"); frame <- as.data.frame(get("{name}"))
if ("{name}" == "mtcars") frame <- cbind(model = rownames(frame), frame)
for (column in frame) {{
  text <- if (is.numeric(column)) sprintf("%a", column) else as.character(column)
  text[is.na(column)] <- NA
  cat(toJSON(list(levels = as.list(levels(column)), values = text), na = "null", auto_unbox = TRUE), "\\n")
}}"""


@pytest.mark.parametrize("name", EXPORTED)
def test_loaded_values_are_those_in_r(rscript: str, name: str) -> None:
    dataset = load(name)
    lines = ask(rscript, FRAMES.format(name=name, package=dataset.meta["source"]["package"]))
    columns = zip(describe(dataset.frame), lines, strict=True)
    for column, held in ((column, json.loads(line)) for column, line in columns):
        assert column["levels"] == held["levels"], column["name"]
        values = dataset.frame[column["name"]]
        missing = [value is None for value in held["values"]]
        assert values.isna().tolist() == missing, column["name"]
        read = float.fromhex if pd.api.types.is_numeric_dtype(values.dtype) else str
        expected = [read(value) for value in held["values"] if value is not None]
        assert values.dropna().tolist() == expected, column["name"]


def test_the_hash_of_a_derived_data_set_is_that_of_r_s_values(rscript: str) -> None:
    # The text is built as `frame_sha256` documents it, from what R printed, without a frame.
    lines = ask(rscript, THREE_LEVEL.format(seed=123, n1=5, n2=3, n3=10))
    y, teacher, *effects = np.array(doubles(lines[0])).reshape(6, 150).tolist()
    columns = [y, lines[1].split(), [int(number) for number in teacher], *effects]
    types = {"y": "numeric", "sch.cl": "string", "tch.cl": "integer"} | dict.fromkeys(
        ("e3", "e2", "x1", "e1"), "numeric"
    )
    header = [{"name": name, "type": kind, "levels": []} for name, kind in types.items()]
    rows = [header, *zip(*columns, strict=True)]
    text = "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows)
    assert load("three_level").sha256 == hashlib.sha256(text.encode()).hexdigest()


FITS = """suppressPackageStartupMessages({library(lme4); library(mlmRev)})
data(list = c("Machines", "Rail", "ergoStool", "Oats", "Orthodont", "Pixel", "Oxide"), package = "nlme")
data(bdf, package = "mlmRev"); data(star, package = "mlmRev")
two_optima <- read.csv("TWO_OPTIMA")
star_kindergarten <- star[star$gr == "K", ]
set.seed(123)
star_sample <- star_kindergarten[sample.int(nrow(star_kindergarten), round(nrow(star_kindergarten) * .2)), ]
sleepstudy_three <- sleepstudy[sleepstudy$Subject %in% c(309, 330, 371), ]
THREE_LEVEL
three_level <- dat
quick <- list(xtol_rel = 1e-12, xtol_abs = 1e-12, ftol_rel = 1e-15, ftol_abs = 1e-12, maxeval = 1e5)
slow <- list(rhoend = 1e-10, maxfun = 1e5)
control <- function(optimizer, options) lmerControl(optimizer, optCtrl = options, calc.derivs = FALSE,
                                                    check.conv.singular = "ignore")
controls <- list(control("nloptwrap", quick), control("bobyqa", slow))
least <- function(formula, data, reml) {
  # lme4's own start may lead into a false minimum: start from small positive theta as well.
  k <- length(lFormula(formula, data, REML = reml)$reTrms$theta)
  criterion <- function(start, control) {
    fit <- lmer(formula, data, REML = reml, start = start, control = control)
    fit@devcomp$cmp[[if (reml) "REML" else "dev"]]
  }
  found <- sapply(controls, function(control) c(criterion(NULL, control), criterion(rep(.3, k), control)))
  cat(sprintf("%.12f", min(found)), "\\n")
}
"""


def test_published_criteria_come_out_of_lme4(rscript: str) -> None:
    mixed = [case for case in cases() if "|" in case.formula and "criterion" in case.published]
    fits = FITS.replace("THREE_LEVEL", THREE_LEVEL.format(seed=123, n1=5, n2=3, n3=10).partition("cat(")[0])
    fits = fits.replace("TWO_OPTIMA", (DATA / "two_optima.csv").as_posix())
    code = fits + "".join(f"least({c.formula}, {c.dataset}, {str(c.reml).upper()})\n" for c in mixed)
    for case, line in zip(mixed, ask(rscript, code), strict=True):
        printed = Decimal(case.published["criterion"])
        # One unit of the last printed digit: the optimisers themselves leave the twelfth digit open.
        unit = Decimal(1).scaleb(int(printed.as_tuple().exponent))
        assert abs(Decimal(line.strip()) - printed) <= unit, case.name


def test_published_least_squares_come_out_of_r(rscript: str) -> None:
    code = """fit <- lm(mpg ~ wt + am, mtcars); s <- summary(fit); v <- vcov(fit); cat(sprintf("%.15g", c(
      s$coefficients[, 1], s$coefficients[, 2], s$coefficients[, 3], s$sigma^2,
      v[1, 1], v[2, 1], v[3, 1], v[2, 2], v[3, 2], v[3, 3],
      -2 * logLik(fit, REML = TRUE), -2 * logLik(fit))))"""
    figures = [Decimal(figure) for figure in ask(rscript, code)[0].split()]
    coefficients = ["(Intercept)", "wt", "am"]
    keys = [f"{quantity}[{name}]" for quantity in ("beta", "se", "t") for name in coefficients]
    pairs = ["(Intercept), (Intercept)", "wt, (Intercept)", "am, (Intercept)", "wt, wt", "am, wt", "am, am"]
    keys += ["sigma2", *(f"vcov[{pair}]" for pair in pairs), "criterion"]
    values = dict(zip(keys, figures, strict=False))
    printed = {f.quantity: Decimal(f.printed) for f in ledger("001") if f.case == "docs/mtcars-ols"}
    printed = {key: figure for key, figure in printed.items() if key in values}
    printed["criterion"] = Decimal(relmer.datasets.case("docs/mtcars-ols").published["criterion"])
    assert set(keys) == set(printed)
    for key, figure in printed.items():
        assert values[key].quantize(figure) == figure, key
    ml = Decimal(relmer.datasets.case("docs/mtcars-ols-ml").published["criterion"])
    assert figures[-1].quantize(ml) == ml
