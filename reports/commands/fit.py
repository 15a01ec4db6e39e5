"""`relmer fit`: a formula and a CSV file."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from relmer import datasets
from relmer.reports.commands.terminal import STRIPPED, one_line_errors
from relmer.solver.fits import Fit, lmer
from relmer.solver.language import parse

TABS = {"tab": "\t", "\\t": "\t"}
"""How a tab is written where none can be typed."""


@click.command("fit")
@click.argument("formula")
@click.argument("data", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--ml", is_flag=True, help="Maximum likelihood; REML otherwise.")
@click.option("--method", type=click.Choice(["pls", "gls", "qr"]), default="pls", show_default=True)
@click.option("--weights", help="A column, or an expression of columns: Var(e) = sigma^2 / weights.")
@click.option("--offset", help="A column, or an expression of columns: a known part of the mean.")
@click.option("--sep", default=",", show_default=True, help="What stands between fields; tab is one too.")
@click.option("--decimal", default=".", show_default=True, help="The decimal point.")
@click.option("--na", multiple=True, help="A text that stands for a missing value, beside NA and nothing.")
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
    as_json: bool,
) -> None:
    """Fit FORMULA to the columns of DATA, a CSV file with a header."""
    with one_line_errors(debug):
        read = parse(formula)
        table = datasets.read_table(data, separator=TABS.get(sep, sep), decimal=decimal, missing=na)
        tell(remark for name, remark in table.remarks.items() if read.dotted or name in read.columns)
        fit = lmer(formula, table.frame, REML=not ml, method=method, weights=weights, offset=offset)
        tell(fit.frame.notes)
    if as_json:
        click.echo(json.dumps(plain_fit(fit), indent=1, allow_nan=False))
    else:
        say_fit(fit)


def tell(notes: Iterable[str]) -> None:
    """Say on stderr, a line each, what the data were taken for."""
    for note in notes:
        click.echo(f"note: {note.translate(STRIPPED)}", err=True)


def plain_fit(fit: Fit) -> dict[str, Any]:
    """The numbers of a fit as plain data."""
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
        "ending": fit.optimum.ending,
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
        console.print(Text(f"not converged: {fit.optimum.ending}; see `relmer fit --json`, entry gap"))
