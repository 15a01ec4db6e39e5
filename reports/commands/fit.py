"""`relmer fit`: a formula and a CSV file."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from relmer import datasets
from relmer.reports.commands.own import reading_options, separator_of, tell
from relmer.reports.commands.terminal import one_line_errors
from relmer.solver.fits import Fit, lmer, open_components, remarks
from relmer.solver.language import lines_of, parse, reading


@click.command("fit")
@click.argument("formula")
@click.argument("data", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--ml", is_flag=True, help="Maximum likelihood; REML otherwise.")
@click.option("--method", type=click.Choice(["pls", "gls", "qr"]), default="pls", show_default=True)
@click.option("--weights", help="A column, or an expression of columns: Var(e) = sigma^2 / weights.")
@click.option("--offset", help="A column, or an expression of columns: a known part of the mean.")
@reading_options
@click.option("--ignore-check", multiple=True, help="A check of lme4's that is not made, as check.nobs.vs.nRE.")
@click.option("--explain", is_flag=True, help="Say how the formula was read, term by term, and by which lme4.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def fit_command(
    debug: bool,
    formula: str,
    data: Path,
    ml: bool,
    method: str,
    weights: str | None,
    offset: str | None,
    sep: str,
    decimal: str,
    na: tuple[str, ...],
    ignore_check: tuple[str, ...],
    explain: bool,
    as_json: bool,
) -> None:
    """Fit FORMULA to the columns of DATA, a CSV file with a header."""
    with one_line_errors(debug):
        read = parse(formula)
        table = datasets.read_table(data, separator=separator_of(sep), decimal=decimal, missing=na)
        tell(remark for name, remark in table.remarks.items() if read.dotted or name in read.columns)
        fit = lmer(
            formula,
            table.frame,
            REML=not ml,
            method=method,
            weights=weights,
            offset=offset,
            checks=dict.fromkeys(ignore_check, "ignore"),
        )
        tell(fit.frame.notes)
    read_as = reading(fit.frame, fit.design) if explain else None
    if as_json:
        told = {} if read_as is None else {"reading": asdict(read_as)}
        click.echo(json.dumps({**plain_fit(fit), **told}, indent=1, allow_nan=False))
        return
    if read_as is not None:
        click.echo("\n".join(lines_of(read_as)) + "\n")
    say_fit(fit)


def plain_fit(fit: Fit) -> dict[str, Any]:
    """The numbers of a fit as plain data."""
    components = fit.varcorr.astype(object).where(fit.varcorr.notna(), None)
    return {
        "formula": fit.formula,
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
    random = Table("group", "effect", "variance or covariance", "SD or correlation", title="random effects")
    for row, is_open in zip(fit.varcorr.to_dict(orient="records"), open_components(fit), strict=True):
        effect = " × ".join(row[name] for name in ("var1", "var2") if isinstance(row[name], str))
        numbers = [marked(f"{float(row[name]):.8g}", is_open) for name in ("vcov", "sdcor")]
        random.add_row(Text(row["group"]), Text(effect), *numbers)
    fixed = Table("coefficient", "estimate", "SE", "t", title="fixed effects")
    for name, beta, se, t in zip(fit.design.coefficients, fit.beta, fit.se, fit.t, strict=True):
        of_beta, of_se = name in fit.unidentified.beta, name in fit.unidentified.se
        numbers = [marked(f"{beta:.8g}", of_beta), marked(f"{se:.8g}", of_se), marked(f"{t:.6g}", of_beta or of_se)]
        fixed.add_row(Text(name), *numbers)
    console.print(random, fixed)
    for remark in remarks(fit):
        console.print(Text(remark), soft_wrap=True)
    if not fit.optimum.converged:
        console.print("see `relmer fit --json`, entry gap")


def marked(number: str, is_open: bool) -> str:
    """A number, and that it is one choice of many."""
    return f"{number} (open)" if is_open else number
