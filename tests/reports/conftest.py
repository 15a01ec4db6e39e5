"""Made-up reports: one as a run would give it, one full of strings that want to break out of their place."""

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from random import Random

import pytest
from looks import seen

from relmer.reports.records import (
    CaseRun,
    Comparison,
    Drift,
    EngineUsed,
    Finding,
    KnownFailure,
    Optimality,
    PublishedFigure,
    Report,
    Said,
    Score,
    Tolerance,
)
from relmer.reports.verdicts import Diagnosis, FailOn, FigureVerdict, Verdict

ENGINES = ("pls", "qr", "gls", "lme4", "lme4-tight")
MODELS = (
    ("sleepstudy", "Reaction ~ Days + (Days | Subject)"),
    ("Dyestuff", "Yield ~ 1 + (1 | Batch)"),
    ("Penicillin", "diameter ~ 1 + (1 | plate) + (1 | sample)"),
    ("Pastes", "strength ~ 1 + (1 | batch/cask)"),
    ("star", "read ~ cltype + sx + (sx | sch/tch)"),
)
QUANTITIES = {
    1: ("rows", "response", "levels of Subject"),
    2: ("X", "Z", "template of Lambda", "coefficient names", "terms"),
    3: tuple(f"criterion at theta[{k}]" for k in range(6)),
    4: ("gap to the optimum", "theta[0]"),
    5: (
        "beta",
        "se",
        "sigma",
        "theta",
        "vcov",
        "variance components",
        "b",
        "fitted",
        "diagonal of V",
        "rows of V",
    ),
}
HOSTILE = (
    "<script>alert(1)</script> ]]> | `x` \"'&amp; {{ 7*7 }} \x00\x1b[31m\ud800\ufffe http://evil.example/x.png\nnext"
)


def comparison(case: str, engine: str, rung: int, quantity: str, random: Random) -> Comparison:
    """One judged quantity: rungs 1 and 2 yes or no, the others with digits; lme4's own fit stops early."""
    judged = Comparison(
        case=case,
        engine=engine,
        rung=rung,
        quantity=quantity,
        verdict=Verdict.AGREE,
        digits=None,
        kind="recorded",
        reference="lme4-tight 1.1-31",
        evidence="identical to the last bit",
    )
    if engine == "gls" and case.startswith("star"):
        return replace(
            judged,
            verdict=Verdict.UNSUPPORTED,
            kind="",
            reference="",
            evidence="V would have 5,766 rows: too large for the dense path",
        )
    if rung == 3:
        digits = min(16.0, 14.6 + random.gauss(0, 0.6))
        return replace(
            judged,
            digits=digits,
            kind="certified",
            evidence=f"relative difference {10**-digits:.2g} at a shared theta",
        )
    if rung >= 4:
        early = engine == "lme4"
        digits = random.uniform(4.5, 7.5) if early else random.uniform(8.5, 13.5)
        return replace(
            judged,
            verdict=Verdict.EARLY if early and digits < 6.5 else Verdict.AGREE,
            digits=digits,
            diagnosis=Diagnosis.STOP if early and digits < 6.5 else Diagnosis.NONE,
            evidence=f"worst component differs by {10**-digits:.2g}"
            + (": the optimiser stopped 1.46e-09 above the optimum, which allows 2.1e-05" if early else ""),
        )
    return judged


def scored(case: str, engine: str, random: Random) -> Score:
    """A score such as lme4 and this project's paths have; theta of the star model is not unique."""
    tight = "lme4" not in engine
    digits = {
        name: min(16.0, (14.5 if tight or name == "criterion" else 6.0) + random.gauss(0, 0.8))
        for name in ("theta", "G", "beta", "sigma", "criterion", "se", "vcov", "varcomp")
    }
    singular = case.startswith("star")
    if singular:
        del digits["theta"]
    return Score(
        case=case,
        engine=engine,
        certificate=case.replace("/", "."),
        kind="certified",
        level="local-proved" if singular else "global-proved",
        regular=not singular,
        digits=digits,
        evaluation={name: min(16.0, 14.8 + random.gauss(0, 0.5)) for name in digits if name not in ("theta", "G")},
        distance=None if singular else 10.0 ** -digits["theta"],
        distance_G=10.0 ** -digits["G"],
        optimiser_error=0.0 if tight else 1.46e-9,
        evaluation_error=-2.3e-13,
        uncertainty=1e-27,
        evaluated="ball arithmetic",
        optimality=Optimality.OPTIMUM if tight else Optimality.EARLY,
        reason="1.5e-09 above the optimum; the Newton decrement there is 1.5e-09",
    )


def said(case: str, engine: str) -> Said:
    """What an engine says of a case; lme4 warns of the star model."""
    singular = case.startswith("star") and engine == "lme4"
    return Said(
        case=case,
        engine=engine,
        version="1.1-31" if "lme4" in engine else "0.1.0",
        status="fitted",
        recorded="lme4" in engine,
        message="",
        warnings=("boundary (singular) fit: see help('isSingular')",) if singular else (),
        values={"criterion": (55196.515,), "sigma": (26.7,), "theta": (0.35, 0.0), "beta": (438.2, None)},
    )


LINK = "https://example.org/issues/7"
KNOWN = KnownFailure(
    engine="lme4-tight",
    case="Penicillin/REML",
    rung=5,
    diagnosis=Diagnosis.CONVENTION,
    size=1e-2,
    link=LINK,
    why="its standard errors divide by n",
    found=1e-2,
    covers=10,
)


def realistic(cases: int = 10) -> Report:
    """A run of five engines: one false optimum, one accepted failure, and one engine that fails on one case."""
    random = Random(20240501)
    runs = tuple(
        CaseRun(
            name=f"{data}/{'REML' if k % 2 == 0 else 'ML'}{k // len(MODELS) or ''}",
            dataset=data,
            dataset_sha256=f"{k:02x}" * 32,
            formula=formula,
            REML=k % 2 == 0,
            document=f"{k % 4:03d}" if k % 3 == 0 else "",
            source="lme4's manual page of the data",
            rows=180 + k,
            coefficients=2,
            random_effects=36,
        )
        for k, (data, formula) in zip(range(cases), MODELS * (cases // len(MODELS) + 1), strict=False)
    )
    judged = [
        comparison(run.name, engine, rung, quantity, random)
        for run, engine, (rung, names) in product(runs, ENGINES, QUANTITIES.items())
        for quantity in names
    ]
    wrong = {
        ("star/REML", "lme4", 4): (
            Verdict.WRONG,
            1.8,
            "criterion 55196.515 is 136 above the certified optimum 55060.534: a false minimum",
            Diagnosis.FALSE_MINIMUM,
        ),
        ("star/REML", "lme4", 5): (
            Verdict.WRONG,
            0.3,
            "differs more than the gap of rung 4 allows",
            Diagnosis.FALSE_MINIMUM,
        ),
        ("Penicillin/REML", "lme4-tight", 5): (Verdict.WRONG, 2.0, "n for n - p", Diagnosis.CONVENTION),
        ("Dyestuff/ML", "qr", 3): (Verdict.FAILED, None, "LinAlgError: singular matrix", Diagnosis.NONE),
        ("Pastes/ML", "lme4-tight", 1): (Verdict.NOT_GIVEN, None, "lme4-tight does not tell", Diagnosis.NONE),
        ("Pastes/ML", "qr", 2): (Verdict.WITHIN, None, "computed columns", Diagnosis.ROUNDING),
    }
    for k, c in enumerate(judged):
        if (c.case, c.engine, c.rung) in wrong:
            verdict, digits, evidence, diagnosis = wrong[c.case, c.engine, c.rung]
            known = LINK if diagnosis is Diagnosis.CONVENTION else ""
            judged[k] = replace(
                c, verdict=verdict, digits=digits, evidence=evidence, diagnosis=diagnosis, accepted=known
            )
    return Report(
        created="2024-05-01T12:00:00+00:00",
        version="0.1.0",
        environment={
            "python": "3.11.9",
            "platform": "Linux x86_64",
            "numpy": "2.1.3",
            "scipy": "1.15.1",
            "BLAS": "OpenBLAS 0.3.28, 1 thread",
        },
        engines=tuple(
            EngineUsed(
                name,
                "1.1-31" if "lme4" in name else "0.1.0",
                "recorded" if "lme4" in name else "computed",
                {"R": "4.2.2", "lme4": "1.1-31", "BLAS": "libblas 3.11.0"} if "lme4" in name else {"numpy": "2.1.3"},
                "all tolerances at 1e-12" if name == "lme4-tight" else "",
            )
            for name in ENGINES
        ),
        cases=runs,
        comparisons=tuple(judged),
        answers=tuple(said(run.name, engine) for run, engine in product(runs, ENGINES)),
        scores=tuple(
            replace(
                score,
                optimality=Optimality.FALSE,
                optimiser_error=135.9805,
                reason="136 above the optimum; the dual of sch has the eigenvalue -413",
            )
            if (score.case, score.engine) == ("star/REML", "lme4")
            else score
            for score in (scored(run.name, engine, random) for run, engine in product(runs, ENGINES))
        ),
        findings=(
            Finding(
                "star/REML",
                "lme4",
                "lme4's default optimiser stops 136 above the optimum: “boundary (singular) fit”.",
            ),
            Finding("sleepstudy/REML", "lme4", "Stopped 1.46e-09 above the optimum: theta has 5 digits."),
        ),
        drift=tuple(
            Drift(run.name, "lme4", quantity, "1743.628271959952", "1743.628271959951", 15.2, "libblas", "OpenBLAS")
            for run in runs
            for quantity in ("criterion", "beta", "theta")
        ),
        figures=tuple(
            PublishedFigure(
                "000", "1. Manual method", "fixef(m1)", printed, runs[0].name, quantity, value, lme4, verdict, evidence
            )
            for printed, quantity, value, lme4, verdict, evidence in (
                (
                    "251.40510",
                    "beta[(Intercept)]",
                    251.4051048,
                    251.4051048,
                    FigureVerdict.REPRODUCED,
                    "printed 251.40510",
                ),
                (
                    "612.100158",
                    "G[1, 1]",
                    612.0899386,
                    612.1001580,
                    FigureVerdict.ROUGH,
                    "lme4's default fit stops early",
                ),
                ("180", "nobs", 180.0, None, FigureVerdict.REPRODUCED, "printed 180"),
            )
        ),
        tolerances=(
            Tolerance(
                "criterion",
                "1e-12 × condition",
                "Both sides evaluate the same function at the same theta, so only rounding differs.",
            ),
            Tolerance(
                "theta",
                "sqrt(2 gap / λmin(H))",
                "A quadratic near the optimum: a gap g leaves room for |δθ| ≤ sqrt(2 g / λmin).",
            ),
        ),
        accepted=(KNOWN,) if cases > 2 else (),
        sights=tuple(seen(run.name, k, ENGINES) for k, run in enumerate(runs, start=1)),
    )


def hostile() -> Report:
    """Every string field of every record tries to break out."""
    case = CaseRun(
        name=f"case {HOSTILE}",
        dataset=HOSTILE,
        dataset_sha256=HOSTILE,
        formula=f"y ~ {' + '.join(f'x{k}' for k in range(900))} {HOSTILE}",
        REML=False,
        document=HOSTILE,
        source=HOSTILE,
        rows=1,
        coefficients=1,
        random_effects=1,
    )
    judged = tuple(
        Comparison(
            case=case.name,
            engine=f"engine {HOSTILE}",
            rung=rung,
            quantity=f"quantity {HOSTILE}",
            verdict=verdict,
            digits=digits,
            kind=HOSTILE,
            reference=HOSTILE,
            evidence=f"{verdict} {rung} {HOSTILE}",
            diagnosis=Diagnosis.UNKNOWN if verdict is Verdict.WRONG else Diagnosis.NONE,
            accepted=HOSTILE if verdict is Verdict.WRONG and rung == 5 else "",
        )
        for rung in range(1, 6)
        for verdict, digits in (
            (Verdict.AGREE, 15.95),
            (Verdict.WITHIN, 4.0),
            (Verdict.EARLY, 4.0),
            (Verdict.WRONG, 0.0),
            (Verdict.UNSUPPORTED, None),
            (Verdict.FAILED, None),
            (Verdict.NOT_GIVEN, None),
        )
    )
    return Report(
        created=HOSTILE,
        version=HOSTILE,
        environment={HOSTILE: HOSTILE},
        engines=(EngineUsed(f"engine {HOSTILE}", HOSTILE, HOSTILE, {HOSTILE: HOSTILE}, HOSTILE),),
        cases=(case,),
        comparisons=judged,
        answers=(
            replace(
                said(case.name, f"engine {HOSTILE}"),
                version=HOSTILE,
                status=HOSTILE,
                message=HOSTILE,
                warnings=(HOSTILE, HOSTILE),
                values={HOSTILE: (None, 1.0)},
            ),
        ),
        scores=(
            replace(
                scored(case.name, f"engine {HOSTILE}", Random(1)),
                certificate=HOSTILE,
                kind=HOSTILE,
                level=HOSTILE,
                evaluated=HOSTILE,
                reason=HOSTILE,
            ),
        ),
        findings=(Finding(HOSTILE, HOSTILE, HOSTILE), Finding(case.name, HOSTILE, HOSTILE)),
        drift=(Drift(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, None, HOSTILE, HOSTILE),),
        figures=tuple(
            PublishedFigure(HOSTILE, HOSTILE, HOSTILE, HOSTILE, name, HOSTILE, None, None, verdict, HOSTILE)
            for name, verdict in (
                ("", FigureVerdict.REPRODUCED),
                (case.name, FigureVerdict.ROUGH),
                (case.name, FigureVerdict.WRONG),
            )
        ),
        tolerances=(Tolerance(HOSTILE, HOSTILE, HOSTILE),),
        accepted=tuple(
            replace(KNOWN, case=case.name, engine=f"engine {HOSTILE}", link=HOSTILE, why=HOSTILE, covers=n, stale=not n)
            for n in range(2)
        ),
        fail_on=(FailOn.DRIFT,),
        sights=(
            replace(
                seen(case.name, 2, ()),
                axes=(HOSTILE,),
                marks={f"engine {HOSTILE}": (0.0, 0.0)},
                outside=(HOSTILE,),
                sorted_by=(HOSTILE,),
                why=HOSTILE,
            ),
        ),
    )


@pytest.fixture(params=[realistic, hostile], ids=["realistic", "hostile"])
def report(request: pytest.FixtureRequest) -> Report:
    """Each of the two reports in turn."""
    return request.param()


@pytest.fixture
def make_report() -> Callable[[int], Report]:
    """The maker of realistic reports, by number of cases."""
    return realistic
