"""`relmer fit`: a formula and a file of data."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from relmer.datasets import Case, read_table, with_levels
from relmer.reports.commands.options import Arguments, Reading, argument_options, reading_options
from relmer.reports.commands.own import tell
from relmer.reports.commands.telling import telling_options
from relmer.reports.commands.terminal import one_line_errors, show_table
from relmer.reports.own import remarks_on
from relmer.solver.fits import Fit, lmer, open_components, remarks
from relmer.solver.language import lines_of
from relmer.solver.language import reading as reading_of


@click.command("fit")
@click.argument("formula")
@click.argument("data", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--ml", is_flag=True, help="Maximum likelihood; REML otherwise.")
@click.option("--method", type=click.Choice(["pls", "gls", "qr"]), default="pls", show_default=True)
@argument_options
@reading_options
@click.option("--start", default="", metavar="THETA", help="A theta where the search begins too, such as 1,0,1.")
@click.option("--explain", is_flag=True, help="Say how the formula was read, term by term, and by which lme4.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@telling_options("quiet")
@click.pass_obj
def fit_command(
    debug: bool,
    formula: str,
    data: Path,
    ml: bool,
    method: str,
    arguments: Arguments,
    reading: Reading,
    start: str,
    explain: bool,
    as_json: bool,
) -> None:
    """Fit FORMULA to the columns of DATA, a file with a header: CSV, CSV.gz or Parquet."""
    with one_line_errors(debug):
        case = Case("fit", data.name, formula, not ml, "", data.name, **arguments.of_case)
        table = read_table(data, **reading.asked)
        tell(remarks_on(case, table.remarks))
        fit = lmer(
            formula,
            with_levels(table.frame, case.levels),
            REML=case.reml,
            method=method,
            checks=case.checks,
            start=start.split(",") if start else None,
            **case.arguments,
        )
        tell(fit.frame.notes)
    read_as = reading_of(fit.frame, fit.design) if explain else None
    if as_json:
        told = {} if read_as is None else {"reading": asdict(read_as)}
        click.echo(json.dumps({**plain_fit(fit, case.told), **told}, indent=1, allow_nan=False))
        return
    if read_as is not None:
        click.echo("\n".join(lines_of(read_as)) + "\n")
    say_fit(fit)


def plain_fit(fit: Fit, told: Mapping[str, str]) -> dict[str, Any]:
    """The numbers of a fit as plain data."""
    table = fit.VarCorr().rename(columns={"grp": "group"})
    components = table.astype(object).where(table.notna(), None)
    return {
        "formula": fit.formula,
        "arguments": dict(told),
        "REML": fit.REML,
        "method": fit.method,
        "rows": len(fit.design.y),
        "dropped": list(fit.dropped),
        "messages": list(fit.messages),
        "criterion": fit.criterion,
        "loglik": fit.loglik,
        "theta": fit.theta.to_dict(),
        "par": fit.par.to_dict(),
        "sigma": fit.sigma,
        "varcorr": components.to_dict(orient="records"),
        "beta": fit.beta.to_dict(),
        "se": fit.se.to_dict(),
        "t": fit.t.to_dict(),
        "vcov": fit.vcov.to_numpy().tolist(),
        "unidentified": {
            "theta": [list(names) for names in fit.unidentified.theta],
            "varcorr": [k for k, is_open in enumerate(open_components(fit)) if is_open],
            "beta": list(fit.unidentified.beta),
            "se": list(fit.unidentified.se),
        },
        "singular": fit.singular,
        "converged": fit.optimum.converged,
        "ending": fit.optimum.ending,
        "gap": fit.optimum.decrement,
        "evaluations": fit.optimum.evaluations,
    }


def say_fit(fit: Fit) -> None:
    """Print a fit as two tables, and what has to be known of it; what the data leave open has a mark."""
    console = Console(highlight=False)
    criterion = "REML criterion" if fit.REML else "deviance"
    console.print(
        Text(f"{fit.formula}\n{criterion} {fit.criterion:.10f}, {len(fit.design.y)} rows, method {fit.method}")
    )
    random = []
    for row, is_open in zip(fit.VarCorr().to_dict(orient="records"), open_components(fit), strict=True):
        effect = " × ".join(row[name] for name in ("var1", "var2") if isinstance(row[name], str))
        numbers = [marked(f"{float(row[name]):.8g}", is_open) for name in ("vcov", "sdcor")]
        random.append((row["grp"], effect, *numbers))
    fixed = []
    for name, beta, se, t in zip(fit.design.coefficients, fit.beta, fit.se, fit.t, strict=True):
        of_beta, of_se = name in fit.unidentified.beta, name in fit.unidentified.se
        numbers = [marked(f"{beta:.8g}", of_beta), marked(f"{se:.8g}", of_se), marked(f"{t:.6g}", of_beta or of_se)]
        fixed.append((name, *numbers))
    show_table(console, ("group", "effect", "variance or covariance", "SD or correlation"), random, "random effects")
    show_table(console, ("coefficient", "estimate", "SE", "t"), fixed, "fixed effects")
    for remark in remarks(fit):
        console.print(Text(remark), soft_wrap=True)
    if not fit.optimum.converged:
        console.print("see `relmer fit --json`, entry gap")


def marked(number: str, is_open: bool) -> str:
    """A number, and that it is one choice of many."""
    return f"{number} (open)" if is_open else number
