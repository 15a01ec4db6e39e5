"""The command line: `relmer run`, `fit`, `record`, `certify`, `cases`, `engines`, `datasets`.

Exit status: 0 agreement, 1 a disagreement or a failure, 2 bad usage or input, 3 a required engine could not run.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from relmer import datasets
from relmer.datasets import Case, DataError
from relmer.reference.answers import recorded
from relmer.reference.answers.shared_theta import shared_thetas
from relmer.reference.engines.errors import EngineError
from relmer.reference.engines.protocol import answer, engine, engine_names
from relmer.reference.own_fits import design_of
from relmer.reports.certify_command import certify_command
from relmer.reports.export import write
from relmer.reports.records import Report
from relmer.reports.run import run, sources
from relmer.reports.summary import counts, sentence
from relmer.reports.terminal import (
    AGREEMENT,
    DISAGREEMENT,
    ENGINE_MISSING,
    STRIPPED,
    listed,
    one_line_errors,
    progress,
)
from relmer.solver.fits.fit import Fit, lmer


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.version_option(package_name="relmer")
@click.pass_context
def main(context: click.Context, debug: bool) -> None:
    """Hold the engines of linear mixed models against an independent reference."""
    context.obj = debug


@main.command("run")
@click.option("--case", "pattern", default="*", metavar="GLOB", help="Cases to run, such as 'docs/*'.")
@click.option("--engine", "engines", multiple=True, metavar="NAME", help="Engine to judge; repeat for more.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("relmer-report"),
    show_default=True,
)
@click.option("--jobs", type=click.IntRange(1, 64), default=2, show_default=True, help="Processes.")
@click.option("--require", multiple=True, metavar="ENGINE", help="Fail with status 3 unless this engine runs here.")
@click.pass_obj
def run_command(
    debug: bool, pattern: str, engines: Sequence[str], out: Path, jobs: int, require: Sequence[str]
) -> None:
    """Judge every case on every engine and write report.html, report.json, junit.xml and summary.md."""
    with one_line_errors(debug):
        chosen = chosen_cases(pattern)
        judged = tuple(dict.fromkeys([*(engines or engine_names()), *require]))
        used = sources(judged, require)
        with progress(len(chosen)) as advance:
            report = run(chosen, judged, used, min(jobs, len(chosen)), advance)
        write(report, out)
    say_summary(report, out)
    sys.exit(status_of(report, require))


def chosen_cases(pattern: str) -> tuple[Case, ...]:
    """Cases of the pattern; none is an error."""
    chosen = datasets.cases(pattern)
    if not chosen:
        raise DataError(f"no case matches {pattern!r}; `relmer cases` lists them")
    return chosen


def status_of(report: Report, required: Sequence[str] = ()) -> int:
    """Exit status of a run."""
    failed = {c.engine for c in report.comparisons if c.verdict == "failed"}
    if failed.intersection(required):
        return ENGINE_MISSING
    verdicts = [c.verdict for c in report.comparisons] + [f.verdict for f in report.figures]
    disagrees = "disagree" in verdicts
    return DISAGREEMENT if disagrees or failed else AGREEMENT


def say_summary(report: Report, out: Path) -> None:
    """Say what came out, and where it was written."""
    click.echo(f"{sentence(report)} " + ", ".join(f"{count:,} {verdict}" for verdict, count in counts(report).items()))
    for used in report.engines:
        click.echo(f"  {used.name} {used.version} ({used.source})" + (f": {used.note}" if used.note else ""))
    for finding in report.findings:
        click.echo(f"  ! {finding.case}, {finding.engine}: {finding.text}".translate(STRIPPED))
    click.echo(f"report: {out / 'report.html'}")


@main.command("fit")
@click.argument("formula")
@click.argument("data", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--ml", is_flag=True, help="Maximum likelihood; REML otherwise.")
@click.option("--method", type=click.Choice(["pls", "gls", "qr"]), default="pls", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def fit_command(debug: bool, formula: str, data: Path, ml: bool, method: str, as_json: bool) -> None:
    """Fit FORMULA to the columns of DATA, a CSV file with a header."""
    with one_line_errors(debug):
        fit = lmer(formula, datasets.read_table(data), REML=not ml, method=method)
    if as_json:
        click.echo(json.dumps(plain_fit(fit), indent=1, allow_nan=False))
    else:
        say_fit(fit)


def plain_fit(fit: Fit) -> dict[str, Any]:
    """Give the numbers of a fit as plain data."""
    components = fit.varcorr.astype(object).where(fit.varcorr.notna(), None)
    return {
        "formula": fit.formula,
        "REML": fit.REML,
        "method": fit.method,
        "rows": len(fit.design.y),
        "dropped": list(fit.design.dropped),
        "criterion": fit.criterion,
        "loglik": fit.loglik,
        "theta": fit.theta.to_dict(),
        "sigma": fit.sigma,
        "varcorr": components.to_dict(orient="records"),
        "beta": fit.beta.to_dict(),
        "se": fit.se.to_dict(),
        "t": fit.t.to_dict(),
        "vcov": fit.vcov.to_numpy().tolist(),
        "singular": fit.singular,
        "converged": fit.optimum.converged,
        "gap": fit.optimum.decrement,
        "evaluations": fit.optimum.evaluations,
    }


def say_fit(fit: Fit) -> None:
    """Print a fit as two tables."""
    console = Console(highlight=False)
    name = "REML criterion" if fit.REML else "deviance"
    console.print(Text(f"{fit.formula}\n{name} {fit.criterion:.10f}, {len(fit.design.y)} rows, method {fit.method}"))
    if fit.design.dropped:
        console.print(Text(f"dropped, determined by other columns: {', '.join(fit.design.dropped)}"))
    random = Table("group", "effect", "variance or covariance", "SD or correlation", title="random effects")
    for row in fit.varcorr.itertuples():
        effect = " × ".join(str(part) for part in (row.var1, row.var2) if isinstance(part, str))
        random.add_row(Text(str(row.group)), Text(effect), f"{row.vcov:.8g}", f"{row.sdcor:.8g}")
    fixed = Table("coefficient", "estimate", "SE", "t", title="fixed effects")
    for coefficient, beta, se, t in zip(fit.design.coefficients, fit.beta, fit.se, fit.t, strict=True):
        fixed.add_row(Text(coefficient), f"{beta:.8g}", f"{se:.8g}", f"{t:.6g}")
    console.print(random, fixed)
    if fit.singular:
        console.print("singular: a covariance matrix has not full rank; its dual shows that this is the minimum")
    if not fit.optimum.converged:
        console.print("not converged: see `relmer fit --json`, entry gap")


@main.command("record")
@click.option("--engine", "names", multiple=True, required=True, metavar="NAME", help="Engine to record.")
@click.option("--case", "pattern", default="*", metavar="GLOB", help="Cases to record.")
@click.option("--into", type=click.Path(path_type=Path, file_okay=False), default=recorded.RECORDED)
@click.pass_obj
def record_command(debug: bool, names: Sequence[str], pattern: str, into: Path) -> None:
    """Freeze what an engine returns now, with its versions and the data's sha256."""
    with one_line_errors(debug):
        chosen = chosen_cases(pattern)
        sources(names, required=names)
        with progress(len(chosen)) as advance:
            for case in chosen:
                record_case(case, names, into)
                advance(case.name)


def record_case(case: Case, names: Sequence[str], into: Path) -> None:
    """Record one case on some engines, which share the theta of all their optima."""
    diagonal = design_of(case.formula, case.dataset).template.diagonal
    thetas = [theta for kind in shared_thetas(diagonal.tolist()).values() for theta in kind]
    for name in names:
        said = answer(engine(name), case, thetas)
        if said.status != "fitted":
            raise EngineError(f"{name} did not fit {case.name}: {said.message}")
        recorded.write(said, into)


main.add_command(certify_command)


@main.command("cases")
@click.option("--case", "pattern", default="*", metavar="GLOB")
@click.pass_obj
def cases_command(debug: bool, pattern: str) -> None:
    """List the cases."""
    with one_line_errors(debug):
        listed(
            ("case", "data set", "criterion", "formula"),
            [(c.name, c.dataset, "REML" if c.reml else "ML", c.formula) for c in chosen_cases(pattern)],
        )


@main.command("engines")
@click.pass_obj
def engines_command(debug: bool) -> None:
    """List the engines, and whether they can run here."""
    with one_line_errors(debug):
        used = sources(engine_names())
        listed(
            ("engine", "version", "source", "note"),
            [(e.name, e.version, e.source, e.note) for e in used.values()],
        )


@main.command("datasets")
@click.pass_obj
def datasets_command(debug: bool) -> None:
    """List the data sets, verified."""
    with one_line_errors(debug):
        loaded = [datasets.load(name) for name in datasets.names()]
        listed(
            ("data set", "rows", "columns", "sha256", "source"),
            [(d.name, *map(str, d.frame.shape), d.sha256[:12], source_of(d)) for d in loaded],
        )


def source_of(dataset: datasets.Dataset) -> str:
    """Where a data set comes from, in a few words."""
    source = dataset.meta["source"]
    return " ".join(str(part) for part in source.values()) if isinstance(source, dict) else str(source)
