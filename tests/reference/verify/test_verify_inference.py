"""What the kernel concludes, against the definitions: dense matrices of the rows, differences, and exact theory."""

import json
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from typing import Any

import mpmath
import pytest
from claims import ONE, certificate, claim, model, refined, term
from dense import DIGITS, Balls, Brute, Mp, conditional, covariances, kenward_roger, satterthwaite
from flint import arb, ctx
from mpmath import mpf
from stored_layouts import text_of

from relmer.reference.certificates.store import certificates, effects_of
from relmer.reference.certificates.texts import CERTIFIED
from relmer.reference.exact.estimates import exact
from relmer.reference.exact.layouts import Layout, intercepts
from relmer.reference.verify.local import prove_of
from relmer.reference.verify.reading import read
from relmer.reference.verify.stored import inferred

BITS = 420
# dense.py's differences are right to 1e-40; what is divided by them has a condition below 1e6, the centre 80 digits.
SAME, NOTHING = mpf(10) ** -30, mpf(0)


# ---- by brute force ----

HEADER, *ROWS = text_of("Penicillin.csv").splitlines()
PENICILLIN = "\n".join([HEADER, *ROWS[60:84]]) + "\n"


@lru_cache(maxsize=1)
def crossed() -> tuple[dict, str]:
    """Four plates of Penicillin, by a claim that is made here."""
    chosen = model("diameter", [ONE], term("plate", ONE), term("sample", ONE))
    R = refined(chosen, PENICILLIN, [[0], [0]], [0.6, 3.0])
    return certificate(chosen, True, claim(R, [[0], [0]], unique="1e-10")), PENICILLIN


def stored(name: str) -> tuple[dict, str]:
    plain = json.loads((CERTIFIED / f"{name}.json").read_text(encoding="utf-8"))
    return plain, text_of(plain["data"]["file"])


FITS: dict[str, tuple[Callable[[], tuple[dict, str]], type]] = {
    "four plates": (crossed, Mp),
    "dyestuff2, G = 0": (lambda: stored("dyestuff2.reml"), Mp),
    "two-optima, ML": (lambda: stored("two-optima.ml"), Mp),
    "sleepstudy": (lambda: stored("sleepstudy-slopes.reml"), Balls),
    "oxide-sites, rank 1 of 3": (lambda: stored("oxide-sites.reml"), Balls),
    "machines-by-machine": (lambda: stored("machines-by-machine.reml"), Balls),
    "pixel": (lambda: stored("pixel.reml"), Balls),
}


def close(ball: arb, value: mpf, size: mpf = NOTHING) -> bool:
    """Whether a ball holds a value, but for the differences' error; and is small itself."""
    middle = mpf(str(ball.mid().str(DIGITS, radius=False)))
    bound = SAME * max(abs(value), size)
    return abs(middle - value) <= bound and mpf(float(ball.rad())) <= max(bound, mpf(10) ** -45)


@pytest.mark.parametrize("name", FITS)
def test_what_is_concluded_is_that_of_the_definition(name: str) -> None:
    make, arithmetic = FITS[name]
    plain, text = make()
    data = read(plain["model"], "decimal", text)
    found = inferred(data, plain["REML"], prove_of(data, plain, "decimal"))
    terms = plain["readings"]["decimal"]["centre"]
    with mpmath.workdps(DIGITS), ctx.workprec(BITS):
        centre = [[[mpf(entry) for entry in row] for row in term["R"]] for term in terms]
        brute = Brute(plain["model"], text, plain["REML"], arithmetic())
        G = covariances(centre)
        f = brute.criterion(G, brute.sigma(G))
        count = brute.p + sum(own.rows * (own.rows + 1) // 2 for own in G) + 1
        assert close(found.values["logLik"], -f / 2)
        assert close(found.values["df"], mpf(count))
        assert close(found.values["AIC"], f + 2 * count)
        assert close(found.values["BIC"], f + count * mpmath.log(brute.n))
        names = [item[0] for item in plain["model"]["fixed"]]
        inverse, Phi, _ = brute.at(G)
        beta, sigma = Phi * (brute.a.transposed(brute.X) * (inverse * brute.y)), brute.sigma(G)
        for i, coefficient in enumerate(names):
            se = sigma * mpmath.sqrt(brute.a.number(Phi[i, i]))
            assert close(found.values[f"t[{coefficient}]"], brute.a.number(beta[i, 0]) / se)
        for coefficient, nu in zip(names, satterthwaite(brute, centre, [t["pivots"] for t in terms]), strict=True):
            assert close(found.values[f"ddf[satterthwaite, {coefficient}]"], nu), coefficient
        if plain["REML"]:
            for coefficient, nu, se in zip(names, *kenward_roger(brute, G), strict=True):
                assert close(found.values[f"ddf[kenward-roger, {coefficient}]"], nu), coefficient
                assert close(found.values[f"se[kenward-roger, {coefficient}]"], se), coefficient
        modes, deviations = conditional(brute, G)
        for (t, level, c), b, sd in zip(brute.columns, modes, deviations, strict=True):
            item = plain["model"]["random"][t]
            key = f"[{item['name']}, {':'.join(level)}, {item['columns'][c][0]}]"
            assert close(found.effects[f"b{key}"], b, size=max(map(abs, modes))), key
            assert close(found.effects[f"condsd{key}"], sd, size=max(deviations)), key
        assert len(found.effects) == 2 * len(brute.columns)


def test_p_is_that_of_an_incomplete_beta_function_of_another_library() -> None:
    """All p-values of the certificates, by mpmath, from the stored t and degrees of freedom."""
    with mpmath.workdps(60):
        counted = 0
        for certificate in certificates():
            values = certificate.double.inference.values
            for key, value in values.items():
                if key.startswith("p[") and value.value != "0":
                    inner = key[2:-1]
                    method, _, name = inner.partition(", ")
                    nu = mpf(values[f"ddf[{inner}]"].value)
                    t = mpf(values[f"t[{name}]" if method == "satterthwaite" else f"t[{inner}]"].value)
                    p = mpmath.betainc(nu / 2, 0.5, 0, nu / (nu + t * t), regularized=True)
                    # t and nu have 30 digits; p loses as many as t^2 or nu's logarithm are large.
                    assert abs(mpf(value.value) - p) < mpf(10) ** -22 * p, (certificate.name, key)
                    counted += 1
        assert counted > 300


# ---- where theory is exact ----


def degrees_of(name: str, method: str) -> dict[str, Fraction]:
    (found,) = [certificate for certificate in certificates() if certificate.name == name]
    values = found.readings["decimal"].inference.values
    start = f"ddf[{method}, "
    return {key[len(start) : -1]: value for key, value in values.items() if key.startswith(start)}


def holds(value: Any, whole: Fraction) -> bool:
    """Whether a stored value has an exact one within its radius."""
    return abs(value.exact - whole) <= value.error


EXACT = [certificate.name for certificate in certificates() if certificate.double.level == "exact"]


@pytest.mark.parametrize("name", EXACT)
def test_balanced_one_way_layouts_have_whole_degrees_of_freedom(name: str) -> None:
    """The mean has the variance lambda / n, lambda the mean square of the k groups, or SSA / k by maximum likelihood.

    -2 log L has k - 1 (or k) log lambda + SSA / lambda in it: nu is k - 1 (or k). At the boundary Satterthwaite's is
    that of one sample, n - 1 (or n); Kenward and Roger's information on lambda stays that of k - 1.
    """
    (found,) = [certificate for certificate in certificates() if certificate.name == name]
    n, k, lost = found.data.rows, len(effects_of(found)["decimal"]) // 2, int(found.REML)
    for which in ("decimal", "double"):
        values = found.readings[which].inference.values
        expected = k - lost if found.readings[which].regular else n - lost
        assert holds(values["ddf[satterthwaite, (Intercept)]"], Fraction(expected))
        if found.REML:
            assert holds(values["ddf[kenward-roger, (Intercept)]"], Fraction(k - 1))
            adjusted, se = values["se[kenward-roger, (Intercept)]"], found.readings[which].values["se[(Intercept)]"]
            assert abs(adjusted.exact - se.exact) <= adjusted.error + se.error


def test_there_are_exact_fits() -> None:
    assert len(EXACT) == 22
    assert {certificate.double.regular for certificate in certificates() if certificate.name in EXACT} == {True, False}


SHORT = [
    certificate.name for certificate in certificates() if certificate.name in EXACT and certificate.data.rows < 2000
]


@pytest.mark.parametrize("name", [*SHORT, "dyestuff.reml", "dyestuff.ml", "rail.reml", "dyestuff2.ml"])
def test_conditional_modes_and_deviations_of_one_way_layouts_in_fractions(name: str) -> None:
    """b by the closed form, and its variance sigma^2 tau^2 / (sigma^2 + J tau^2)."""
    plain, text = stored(name)
    header, *lines = (line.split(",") for line in text.splitlines())
    ((group,),) = [random["group"] for random in plain["model"]["random"]]
    rows = [dict(zip(header, line, strict=True)) for line in lines if line]
    levels = {level: code for code, level in enumerate(dict.fromkeys(row[group] for row in rows))}
    y = tuple(Fraction(row[plain["model"]["response"]]) for row in rows)
    terms = (intercepts(group, [levels[row[group]] for row in rows]),)
    fit = exact(Layout(y, ((Fraction(1),),) * len(y), ("(Intercept)",), terms), plain["REML"])
    (found,) = [certificate for certificate in certificates() if certificate.name == name]
    values = effects_of(found)["decimal"]
    tau2, sigma2, J = fit.covariances[0][0][0], fit.sigma2, Fraction(len(y), len(levels))
    variance = sigma2 * tau2 / (sigma2 + J * tau2)
    for level, code in levels.items():
        b, sd = (values[f"{kind}[{group}, {level}, (Intercept)]"] for kind in ("b", "condsd"))
        assert holds(b, fit.effects[0][code][0])
        assert max(sd.exact - sd.error, Fraction(0)) ** 2 <= variance <= (sd.exact + sd.error) ** 2


# Degrees of freedom that the analysis of variance has, of the stratum in which a coefficient lies: its rows less those
# that its means and X take. By maximum likelihood nothing is taken for X.
BALANCED = {
    "dyestuff.reml": {"(Intercept)": 5},
    "dyestuff.ml": {"(Intercept)": 6},
    "rail.reml": {"(Intercept)": 5},
    "sleepstudy-slopes.reml": {"(Intercept)": 17, "Days": 17},
    "sleepstudy-slopes.ml": {"(Intercept)": 18, "Days": 18},
    "sleepstudy-three.reml": {"(Intercept)": 2, "Days": 2},
    "sleepstudy-intercept.reml": {"Days": 180 - 18 - 1},
    "sleepstudy-intercept.ml": {"Days": 180 - 18},
    "sleepstudy-days-factor.reml": {f"factor(Days){k}": 17 * 9 for k in range(1, 10)},
    "ergostool.reml": {f"TypeT{k}": 8 * 3 for k in (2, 3, 4)},
    "ergostool.ml": {f"TypeT{k}": 9 * 3 for k in (2, 3, 4)},
    "machines-worker.reml": {"MachineB": 54 - 6 - 2, "MachineC": 54 - 6 - 2},
    "machines-nested.reml": {"MachineB": 10, "MachineC": 10},
    "orthodont.ml": {"(Intercept)": 27, "age": 27},
    "pastes.reml": {"(Intercept)": 9},
}


@pytest.mark.parametrize("name", BALANCED)
def test_balanced_designs_have_the_degrees_of_freedom_of_the_analysis_of_variance(name: str) -> None:
    for method in ("satterthwaite", "kenward-roger") if "reml" in name else ("satterthwaite",):
        found = degrees_of(name, method)
        for coefficient, whole in BALANCED[name].items():
            assert holds(found[coefficient], Fraction(whole)), (method, coefficient)


def test_the_mean_of_a_crossed_layout_has_the_degrees_of_freedom_of_satterthwaites_own_formula() -> None:
    """Penicillin, 24 plates by 6 samples: n var(mean) = MSP + MSS - MSE, of independent mean squares."""
    header, *lines = (line.split(",") for line in text_of("Penicillin.csv").splitlines())
    rows = [dict(zip(header, line, strict=True)) for line in lines]
    y = {(row["plate"], row["sample"]): Fraction(row["diameter"]) for row in rows}
    plates, samples = (sorted({pair[k] for pair in y}) for k in (0, 1))
    mean = sum(y.values()) / len(y)
    by_plate = {p: sum(y[p, s] for s in samples) / len(samples) - mean for p in plates}
    by_sample = {s: sum(y[p, s] for p in plates) / len(plates) - mean for s in samples}
    MSP = len(samples) * sum(x**2 for x in by_plate.values()) / (len(plates) - 1)
    MSS = len(plates) * sum(x**2 for x in by_sample.values()) / (len(samples) - 1)
    left = sum((y[p, s] - mean - by_plate[p] - by_sample[s]) ** 2 for p in plates for s in samples)
    d = (len(plates) - 1) * (len(samples) - 1)
    MSE = left / d
    nu = (MSP + MSS - MSE) ** 2 / (MSP**2 / (len(plates) - 1) + MSS**2 / (len(samples) - 1) + MSE**2 / d)
    for method in ("satterthwaite", "kenward-roger"):
        assert holds(degrees_of("penicillin.reml", method)["(Intercept)"], nu)
