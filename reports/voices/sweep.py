"""A sweep in words and tables: the same for its page and its Markdown."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from relmer.reports.swept import (
    DECADES,
    MOST_DIGITS,
    STATUS,
    THRESHOLDS,
    WRONG,
    Figure,
    Interval,
    Parameter,
    Part,
    Share,
    Source,
    Sweep,
)
from relmer.reports.text import number
from relmer.reports.verdicts import Verdict
from relmer.reports.voices.markdown import escape, table

NONE = "–"
# Engines in a sentence.
NAMED = 6
LEVELS = {"at least": 1.0, "99 % have": 0.99, "90 % have": 0.9, "half have": 0.5}
INTERVALS = {"wald": "Wald", "satterthwaite": "Satterthwaite", "kenward_roger": "Kenward-Roger", "profile": "profile"}
MORRIS = "Morris, White & Crowther (2019), Statistics in Medicine 38:2074, table 6"


@dataclass(frozen=True)
class Table:
    """A table of texts: its heading, what its columns are, and rows whose first `names` cells are names."""

    heading: str
    note: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    names: int = 1


def sweep_title(sweep: Sweep) -> str:
    """What it is, and how much of it is there."""
    done = number(sweep.found, "unit")
    if sweep.found != sweep.planned:
        done = f"{sweep.found:,} of {number(sweep.planned, 'unit')}, not finished"
    return f"{sweep.name}{'' if sweep.name.endswith(('.', '?', '!')) else ':'} {done}"


def sweep_lines(sweep: Sweep) -> list[tuple[str, str]]:
    """Each source's name, and its answer in a sentence or two."""
    return [(source.name, " ".join(answers(source))) for source in sweep.sources]


def answers(source: Source) -> Iterator[str]:
    """How often and how far fits stop above the optimum, and the coverage of a simulation."""
    if not source.engines:
        yield "No unit is finished."
        return
    failed = [f"{part.engine} {part.failed:,}" for part in source.engines if part.failed]
    judged = [part for part in source.engines if part.gaps.judged]
    if judged:
        place = THRESHOLDS.index(WRONG)
        far = sorted(((Share(part.gaps.above[place], part.gaps.judged), part.engine) for part in judged), key=rate)
        told = ", ".join(f"{engine} {percent(share)}" for share, engine in far[:NAMED])
        more = f" and {number(len(far) - NAMED, 'engine')} less often" if len(far) > NAMED else ""
        yield f"Fits that stop more than {WRONG:g} above the lowest known criterion: {told}{more}."
        most = max(judged, key=lambda part: -1.0 if part.gaps.largest is None else part.gaps.largest)
        if most.gaps.largest is not None:
            yield f"The largest gap is {size(most.gaps.largest)}: {most.engine}, {most.gaps.where}."
        silent = [(part, silence(part)) for part in judged if part.doubted.wrong.of > part.doubted.wrong.count]
        if silent:
            part, share = max(silent, key=lambda pair: pair[1].count)
            yield f"Without a word of doubt most often: {part.engine}, {share.count:,} of {share.of:,}."
    found = [(c, p, one) for c, p, one in intervals(source) if one.covered.of]
    if found and source.level is not None:
        low, high = (pick(found, key=lambda f: f[2].covered.value or 0.0) for pick in (min, max))
        ends = " to ".join(
            f"{percent(o.covered)} ({INTERVALS[o.method]}, {c.engine}, {p.name})" for c, p, o in (low, high)
        )
        yield f"Intervals of {100 * source.level:g} % cover the truth from {ends}."
    if failed:
        yield f"Failed: {', '.join(failed)}."


def rate(pair: tuple[Share, str]) -> float:
    """The largest share first."""
    return -(pair[0].value or 0.0)


def silence(part: Part) -> Share:
    """Of wrong stops, those without a doubt."""
    return Share(part.doubted.wrong.of - part.doubted.wrong.count, part.doubted.wrong.of)


def intervals(source: Source) -> Iterator[tuple[Part, Parameter, Interval]]:
    """Intervals of a simulation, with whose they are."""
    for part in source.engines:
        for parameter in part.parameters:
            for one in parameter.intervals:
                yield part, parameter, one


def sweep_tables(source: Source) -> list[Table]:
    """All tables of a source that have a row."""
    whole = source.engines
    made = [
        Table(
            "Engines",
            "Seconds are those of one fit. On the boundary: a covariance matrix of the best known fit has not full "
            "rank.",
            ("engine", "units", *STATUS, "median s", "mean s", "on the boundary"),
            tuple(of_engine(part) for part in whole),
        ),
        Table(
            "Stops",
            "Fits whose criterion, evaluated at the engine's theta, is above the lowest that is known: by more than "
            "rounding may make of it, and of those by more than so much. With ±: the Monte Carlo standard error.",
            ("engine", *STOPS),
            tuple((part.engine, *of_stops(part)) for part in whole if part.gaps.judged),
        ),
        Table(
            "Doubt and silence",
            "Fits on which the engine doubts its own stop. At the optimum each doubt is a false alarm; above it, a fit "
            "without a doubt is a silent failure. “Singular” is no doubt of a stop.",
            ("engine", *DOUBTS),
            tuple((part.engine, *of_doubts(part)) for part in whole if part.gaps.judged),
        ),
        Table(
            "Warnings by kind",
            "Fits with such a warning: true, without cause, or not judged, as docs/warnings.md asks of each kind.",
            ("engine", "warning", "true", "without cause", "not judged"),
            tuple(
                (part.engine, one.kind, f"{one.true:,}", f"{one.false:,}", f"{one.open:,}")
                for part in whole
                for one in part.alarms
            ),
            2,
        ),
        Table(
            "Digits",
            f"Correct digits, at most {MOST_DIGITS}, rounded down: what all fits have, and what parts of them have at "
            "least.",
            ("engine", "quantity", "fits", *LEVELS),
            tuple(
                (part.engine, one.quantity, f"{sum(one.counts):,}", *(str(one.had_by(p)) for p in LEVELS.values()))
                for part in whole
                for one in part.digits
            ),
            2,
        ),
        Table(
            "Verdicts",
            "Units by the worst verdict of each rung.",
            ("engine", "rung", *map(str, Verdict)),
            tuple(
                (part.engine, rung.removeprefix("rung"), *(f"{counts.get(word, 0):,}" for word in map(str, Verdict)))
                for part in whole
                for rung, counts in part.verdicts.items()
            ),
            2,
        ),
        Table(
            "Bias and spread",
            "Of the estimates over the replicates, with Monte Carlo standard errors: "
            f"{MORRIS}. Model SE: the root of the mean of the squared standard errors that the engine tells.",
            ("parameter", "engine", "truth", "fits", "bias", "SD", "RMSE", "model SE", "model SE / SD"),
            tuple(of_parameters(whole)),
            2,
        ),
        Table(
            "Coverage" if source.level is None else f"Coverage, nominal {100 * source.level:g} %",
            "Intervals that hold the truth, of those that there are, with sqrt(c (1 - c) / n). Below and above: "
            "intervals that lie on that side of the truth.",
            ("parameter", "engine", "method", "covers", "below", "above", "mean width", "mean df", "none", "unbounded"),
            tuple(sorted(of_intervals(source), key=lambda row: order(source, row))),
            3,
        ),
    ]
    kind = "case" if source.what == "cases" else "kind"
    for name, parts in ((kind, source.kinds), ("transformation", source.transformations)):
        made.append(
            Table(
                f"By {name}",
                "The same as under Stops and Doubt and silence, part by part.",
                (name, "engine", *STATUS[:2], *STOPS[:-1], *DOUBTS),
                tuple(
                    (
                        (part.kind if name == kind else part.transformation) or "none",
                        part.engine,
                        f"{part.fitted:,}",
                        f"{part.failed:,}",
                        *of_stops(part)[:-1],
                        *of_doubts(part),
                    )
                    for part in parts
                ),
                2,
            )
        )
    return [one for one in made if one.rows]


def of_engine(part: Part) -> tuple[str, ...]:
    """How many units came to what, and how long they took."""
    times = (NONE, NONE) if part.seconds is None else (size(part.seconds.median), size(part.seconds.mean))
    counts = (part.units, part.fitted, part.failed, part.unsupported)
    return part.engine, *(f"{count:,}" for count in counts), *times, percent(part.singular)


def of_stops(part: Part) -> tuple[str, ...]:
    """Cells of STOPS."""
    gaps = part.gaps
    shares = [Share(count, gaps.judged) for count in (gaps.beyond, *gaps.above)]
    largest = (NONE, NONE) if gaps.largest is None else (size(gaps.largest), str(gaps.where))
    return f"{gaps.judged:,}", *map(counted, shares), *largest


def of_doubts(part: Part) -> tuple[str, ...]:
    """Cells of DOUBTS."""
    early = part.doubted.early
    silent = Share(early.of - early.count, early.of)
    return tuple(map(counted_of, (part.doubted.right, early, silent, silence(part))))


def of_parameters(parts: Sequence[Part]) -> Iterator[tuple[str, ...]]:
    """Rows of bias and spread: a parameter's engines stand together."""
    for rows in zip(*(part.parameters for part in parts if part.parameters), strict=True):
        for part, one in zip((p for p in parts if p.parameters), rows, strict=True):
            figures = (one.bias, one.empirical_sd, one.rmse, one.model_se, one.ratio)
            yield one.name, part.engine, size(one.truth), f"{one.fits:,}", *map(with_error, figures)


def of_intervals(source: Source) -> Iterator[tuple[str, ...]]:
    """Rows of coverage."""
    for part, parameter, one in intervals(source):
        counts = (f"{count:,}" for count in (one.without, one.unbounded))
        sides = (f"{count:,}" for count in (one.below, one.above))
        means = (NONE if mean is None else size(mean) for mean in (one.width, one.df))
        yield parameter.name, part.engine, INTERVALS[one.method], percent(one.covered), *sides, *means, *counts


def order(source: Source, row: Sequence[str]) -> tuple[int, int, int]:
    """Coverage stands by parameter, then method, then engine."""
    first = next(part for part in source.engines if part.parameters)
    names, methods = [one.name for one in first.parameters], [*INTERVALS.values()]
    return names.index(row[0]), methods.index(row[2]), [part.engine for part in source.engines].index(row[1])


def decades() -> tuple[str, ...]:
    """What the cells of a gap's histogram stand for.

    Examples
    --------
    >>> decades()[:3], decades()[-1]
    (('within', '<1e−9', '1e−9'), '≥10')
    """
    powers = [f"1e{power}".replace("-", "−") for power in DECADES]
    return str(Verdict.WITHIN), f"<{powers[0]}", *powers[:-1], f"≥{10 ** DECADES[-1]}"


def percent(share: Share) -> str:
    """A share in percent with its Monte Carlo error.

    Examples
    --------
    >>> percent(Share(1, 3)), percent(Share(0, 5)), percent(Share(0, 0))
    ('33.3 ± 27.2 %', '0 %', '–')
    """
    if share.value is None or share.error is None:
        return NONE
    if share.count in (0, share.of):
        return f"{100 * share.value:.0f} %"
    digits = max(1, places(100 * share.error, 1))
    return f"{100 * share.value:.{digits}f} ± {100 * share.error:.{digits}f} %"


def counted(share: Share) -> str:
    """A count, and what share it is.

    Examples
    --------
    >>> counted(Share(5, 100)), counted(Share(0, 100))
    ('5 (5.0 ± 2.2 %)', '0')
    """
    return f"{share.count:,} ({percent(share)})" if share.count else "0"


def counted_of(share: Share) -> str:
    """A count of its own whole, which is not that of its neighbours."""
    return f"{share.count:,} of {share.of:,}" + (f" ({percent(share)})" if share.count else "")


def with_error(figure: Figure) -> str:
    """A value, to two digits of its Monte Carlo error.

    Examples
    --------
    >>> with_error(Figure(-0.11257, 0.1373)), with_error(Figure(6.14, 0.0)), with_error(Figure(None, None))
    ('−0.11 ± 0.14', '6.14', '–')
    """
    if figure.value is None:
        return NONE
    if not figure.error:
        return size(figure.value)
    digits = places(figure.error, 2)
    if not 0 <= digits <= 9 or abs(figure.value) >= 1e9:
        return f"{figure.value:.4g} ± {figure.error:.2g}".replace("-", "−")
    return f"{figure.value:.{digits}f} ± {figure.error:.{digits}f}".replace("-", "−")


def places(error: float, significant: int) -> int:
    """Decimals that show so many digits of an error."""
    return significant - 1 - math.floor(math.log10(error)) if error > 0 else significant


def size(value: float) -> str:
    """A number to three digits, with a true minus.

    Examples
    --------
    >>> size(1e-6), size(-0.12345)
    ('1e−6', '−0.123')
    """
    return f"{value:.3g}".replace("e-0", "e-").replace("e+0", "e").replace("-", "−")


def sweep_markdown(sweep: Sweep) -> str:
    """Render `sweep.md`."""
    parts = [f"# {escape(sweep_title(sweep), longest=None)}"]
    parts += [f"- **{escape(name)}**: {escape(told, longest=None)}" for name, told in sweep_lines(sweep)]
    for source in sweep.sources:
        parts.append(f"## {escape(source.name)}")
        for one in sweep_tables(source):
            parts += [f"### {escape(one.heading)}", escape(one.note, longest=None), table(one.head, one.rows)]
    parts.append(escape("; ".join(surroundings(sweep)), longest=None) + ".")
    return "\n\n".join(parts) + "\n"


def surroundings(sweep: Sweep) -> Iterable[str]:
    """What it was made with."""
    yield f"relmer {sweep.relmer}"
    yield "engines: " + ", ".join(f"{name} {version}" for name, version in sweep.engines.items())
    if sweep.machine:
        yield "machine: " + ", ".join(f"{name} {value}" for name, value in sweep.machine.items())


STOPS = ("judged", "above rounding", *(f"above {size(edge)}" for edge in THRESHOLDS), "largest gap", "where")
DOUBTS = ("false alarms", "doubts, up to 0.001 above", "silent, up to 0.001", "silent, above 0.001")
