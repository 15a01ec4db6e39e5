"""Input that is hardly a model: what lme4 says of it, and what we say; docs/pathological.md has both.

`python tests/support/pathological.py` writes the page anew, by the lme4 that is here.
"""

import datetime
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from formula_data import r_column

from relmer.solver import lmer
from relmer.solver.errors import ModelError, shortened
from relmer.solver.fits import remarks

PAGE = Path(__file__).parent.parent.parent / "docs" / "pathological.md"
HEAD = """# Input that is hardly a model

What lme4 {lme4} (R {R}) says of it, and what relmer says instead. `tests/live/test_pathological_live.py` asks both; the
page is what `python tests/support/pathological.py` writes. Numbers with decimals are shown as #.

| input | formula | lme4 | relmer |
|---|---|---|---|
"""
SCRIPT = """
suppressMessages(library(lme4)); Sys.setenv(LANGUAGE = "en")
calls <- jsonlite::fromJSON(paste(readLines(file("stdin")), collapse = " "))
say <- function(what, condition) paste0(what, gsub("[[:space:]]+", " ", conditionMessage(condition)))
answers <- lapply(calls, function(call) {
  said <- character()
  fit <- tryCatch(withCallingHandlers(eval(parse(text = call)),
    warning = function(w) { said <<- c(said, say("warning: ", w)); invokeRestart("muffleWarning") },
    message = function(m) { said <<- c(said, say("message: ", m)); invokeRestart("muffleMessage") }),
    error = function(e) { said <<- c(said, say("error: ", e)); NULL })
  if (!is.null(fit)) {
    l <- -2 * as.numeric(logLik(fit))
    said <- c(if (is.finite(l)) "fits" else paste("fits, criterion", l), said)
  }
  I(unique(said))
})
versions <- list(R = as.character(getRversion()), lme4 = as.character(packageVersion("lme4")))
cat(jsonlite::toJSON(list(versions = versions, answers = answers), auto_unbox = TRUE))
"""
DECIMAL = re.compile(r"-?\d+\.\d+(?:e[+-]?\d+)?")
LONGEST_CELL = 230


@dataclass(frozen=True)
class Row:
    """One kind of input: what it is called, the formula, and what is changed in the data."""

    name: str
    formula: str
    change: Callable[[pd.DataFrame], object] = field(default=lambda _: None)
    weights: str = ""

    @property
    def frame(self) -> pd.DataFrame:
        """The data."""
        frame = plain()
        changed = self.change(frame)
        return changed if isinstance(changed, pd.DataFrame) else frame


def plain() -> pd.DataFrame:
    """Thirty-six rows of six groups, with effects in y of all that there is."""
    rng = np.random.default_rng(11)
    g = np.repeat(np.arange(6), 6)
    x = np.tile(np.arange(6.0), 6)
    y = 100 + 3 * x + rng.normal(0, 8, 6)[g] + rng.normal(0, 2, 6)[g] * x + rng.normal(0, 2, 36)
    return pd.DataFrame(
        {
            "y": y.round(3),
            "x": x,
            "g": pd.Categorical([f"g{i + 1}" for i in g]),
            "h": pd.Categorical(np.tile(list("uvw"), 12)),
            "id": pd.Categorical([f"id{i + 1:02d}" for i in range(36)]),
            "w": 1.0 + (np.arange(36) % 3),
        }
    )


def put(name: str, values: object, rows: object = slice(None)) -> Callable[[pd.DataFrame], None]:
    """A change of some rows of a column, or of a whole one, which may be a function of the data."""

    def change(frame: pd.DataFrame) -> None:
        found = values(frame) if callable(values) else values
        if rows == slice(None):
            frame[name] = found
        else:
            frame.loc[rows, name] = found

    return change


def days(frame: pd.DataFrame) -> list[datetime.date]:
    """A day for each group."""
    return [datetime.date(2024, 1, 1) + datetime.timedelta(days=int(code)) for code in frame.g.cat.codes]


def without_groups(frame: pd.DataFrame) -> object:
    """The response with its groups' lines taken away, so that groups vary less than chance."""
    return frame.y - frame.groupby("g", observed=True).y.transform("mean") + 0.01 * np.arange(36)


ROWS = (
    Row("zero variance", "y ~ x + (1 | g)", put("y", without_groups)),
    Row("as many levels as rows", "y ~ x + (1 | id)"),
    Row("as many random effects as rows", "y ~ x + (x | g)", lambda frame: frame[frame.x < 2]),
    Row("one level", "y ~ x + (1 | g)", lambda frame: frame[frame.g == "g1"]),
    Row("columns of X that others determine", "y ~ x + I(2 * x) + (1 | g)"),
    Row("badly scaled covariate", "y ~ x + (1 | g)", put("x", lambda frame: frame.x * 1e7)),
    Row("years as slope", "y ~ x + (x | g)", put("x", lambda frame: frame.x + 2015)),
    Row("perfect fit", "y ~ x + (1 | g)", put("y", lambda frame: 2 * frame.x + 10 * frame.g.cat.codes)),
    Row("constant response", "y ~ x + (1 | g)", put("y", 5.0)),
    Row("response of zeros", "y ~ x + (1 | g)", put("y", 0.0)),
    Row("weights of zero", "y ~ x + (1 | g)", put("w", 0.0, 3), "w"),
    Row("negative weights", "y ~ x + (1 | g)", put("w", -1.0, 3), "w"),
    Row("missing weight", "y ~ x + (1 | g)", put("w", None, 3), "w"),
    Row("missing response", "y ~ x + (1 | g)", put("y", None, 3)),
    Row("missing covariate", "y ~ x + (1 | g)", put("x", None, 3)),
    Row("missing group", "y ~ x + (1 | g)", put("g", None, 3)),
    Row("all missing", "y ~ x + (1 | g)", put("x", np.nan)),
    Row("infinite response", "y ~ x + (1 | g)", put("y", np.inf, 3)),
    Row("infinite covariate", "y ~ x + (1 | g)", put("x", -np.inf, 3)),
    Row("unused levels", "y ~ x + (1 | g)", lambda frame: frame[frame.g != "g6"]),
    Row("numbers as groups", "y ~ x + (1 | g)", put("g", lambda frame: frame.g.cat.codes.astype(float))),
    Row("text as groups", "y ~ x + (1 | g)", put("g", lambda frame: frame.g.astype(str))),
    Row("logicals as groups", "y ~ x + (1 | g)", put("g", lambda frame: frame.g.cat.codes > 2)),
    Row("dates as groups", "y ~ x + (1 | g)", put("g", days)),
    Row("grouping factors crossed by *", "y ~ x + (1 | g*h)"),
    Row("an intercept in two terms", "y ~ x + (1 | g) + (x | g)"),
    Row("a term twice", "y ~ x + (1 | g) + (1 | g)"),
    Row("fewer rows than coefficients", "y ~ x * h * w + (1 | g)", lambda frame: frame.iloc[[0, 1, 7, 8]]),
    Row("no random term", "y ~ x"),
    Row("text as response", "h2 ~ x + (1 | g)", put("h2", lambda frame: frame.h.astype(str))),
    Row("a column that is not there", "y ~ xx + (1 | g)"),
)


def ours(row: Row) -> str:
    """What we say."""
    try:
        fit = lmer(row.formula, row.frame, weights=row.weights or None)
    except ModelError as error:
        return masked([f"error: {error}"])
    return masked(["fits", *fit.frame.notes, *remarks(fit)])


def theirs(rscript: str) -> tuple[dict[str, str], list[str]]:
    """Versions, and what lme4 says of each row."""
    calls = []
    for row in ROWS:
        frame = row.frame
        columns = ", ".join(f"{name} = {r_column(frame[name])}" for name in frame).replace("inf", "Inf")
        weights = f", weights = {row.weights}" if row.weights else ""
        calls.append(f"lmer({row.formula}, data.frame({columns}){weights})")
    command, environment = [rscript, "--vanilla", "-e", SCRIPT], {**os.environ, "LC_ALL": "C.UTF-8"}
    run = subprocess.run(
        command, input=json.dumps(calls), env=environment, capture_output=True, encoding="utf-8", check=True
    )
    told = json.loads(run.stdout)
    return told["versions"], [masked(answer) for answer in told["answers"]]


def masked(said: list[str]) -> str:
    """What was said as the cell of a table, without figures that hang on the last digits."""
    text = DECIMAL.sub("#", "; ".join(said)).replace("|", "\\|").replace("*", "\\*")
    return shortened(text, LONGEST_CELL)


def page(versions: dict[str, str], answers: list[str]) -> str:
    """The page."""
    lines = [
        f"| {row.name} | `{row.formula.replace('|', chr(92) + '|')}` | {answer} | {ours(row)} |"
        for row, answer in zip(ROWS, answers, strict=True)
    ]
    return HEAD.format(**versions) + "\n".join(lines) + "\n"


if __name__ == "__main__":
    found = shutil.which("Rscript")
    assert found is not None
    PAGE.write_text(page(*theirs(found)), encoding="utf-8")
