"""What lme4's `lFormula` makes of the table of formulas, in one run of R; and its recording for machines without R.

`python tests/support/lformula.py` records anew.
"""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from formula_table import REFUSED, data, formulas, r_column

LINES = ",\n"
RECORDED = Path(__file__).parent.parent / "solver" / "language" / "lformula.json"
# Each column is kept once, by its place in `pool`.
FUNCTIONS = """
invisible(Sys.setlocale("LC_ALL", "C.UTF-8")); invisible(Sys.setlocale("LC_COLLATE", "C")); Sys.setenv(TZ = "UTC")
suppressMessages({library(lme4); library(splines)})
pool <- new.env(); columns <- character()
pooled <- function(x) {
  key <- paste(sprintf("%.17g", as.vector(x)), collapse = " ")
  name <- paste0("#", key)
  if (is.null(pool[[name]])) { columns <<- c(columns, key); assign(name, length(columns) - 1L, envir = pool) }
  pool[[name]]
}
control <- lmerControl(check.nobs.vs.nRE = "ignore", check.nobs.vs.nlev = "ignore", check.nlev.gtr.1 = "ignore",
  check.nobs.vs.rankZ = "ignore", check.rankX = "ignore", check.scaleX = "ignore", check.formula.LHS = "ignore")
random <- function(r, i) {
  group <- r$flist[[attr(r$flist, "assign")[i]]]
  codes <- as.integer(group)
  width <- length(r$cnms[[i]])
  Zt <- as.matrix(r$Ztlist[[i]])
  X <- lapply(seq_len(width), function(c) pooled(Zt[cbind((codes - 1) * width + c, seq_along(codes))]))
  list(group = names(r$cnms)[i], columns = I(r$cnms[[i]]), levels = I(levels(group)),
       codes = pooled(codes - 1L), X = I(X))
}
model <- function(m) list(
  y = pooled(as.numeric(model.response(m$fr))), names = I(as.character(colnames(m$X))),
  X = I(lapply(seq_len(ncol(m$X)), function(j) pooled(m$X[, j]))),
  rows = pooled(as.integer(rownames(m$fr)) - 1L), offset = I(lapply(list(model.offset(m$fr)), pooled)),
  random = lapply(seq_along(m$reTrms$cnms), function(i) random(m$reTrms, i)))
quietly <- function(expression) suppressWarnings(suppressMessages(
  tryCatch(expression, error = function(e) list(error = conditionMessage(e)))))
said <- function(answers) {
  force(answers)
  versions <- list(R = R.version.string, lme4 = as.character(packageVersion("lme4")))
  cat(jsonlite::toJSON(list(versions = versions, columns = columns, answers = answers), auto_unbox = TRUE))
}
"""
ANSWERS = """
said(lapply(formulas, function(text) quietly(model(lFormula(as.formula(text), d, control = control)))))
"""


def ask(rscript: str) -> dict[str, Any]:
    """Columns, and by formula what lme4 makes of it."""
    asked = [*formulas(), *REFUSED]
    texts = f"formulas <- c({LINES.join(json.dumps(text, ensure_ascii=False) for text in asked)})"
    result = in_R(rscript, texts + ANSWERS)
    result["answers"] = dict(zip(asked, result["answers"], strict=True))
    return result


def in_R(rscript: str, code: str) -> dict[str, Any]:
    """What R prints as JSON, of the data as `d`, with the functions above."""
    frame = data()
    columns = ",\n".join(f"`{name}` = {r_column(frame[name])}" for name in frame)
    lines = [f"d <- data.frame({columns}, check.names = FALSE)", FUNCTIONS, code]
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "table.R"
        script.write_text("\n".join(lines), encoding="utf-8")
        run = subprocess.run(
            [rscript, "--vanilla", str(script)],
            env={**os.environ, "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
            timeout=900,
        )
    assert run.returncode == 0, run.stderr[-3000:]
    result: dict[str, Any] = json.loads(run.stdout)
    return result


def record(ask: Callable[[str], dict[str, Any]] = ask, file: Path = RECORDED) -> None:
    """Write the recording, a line for each column and question."""
    rscript = shutil.which("Rscript")
    assert rscript is not None
    result = ask(rscript)
    parts = [
        f'{{"versions": {json.dumps(result["versions"])},\n"columns": [',
        ",\n".join(json.dumps(column) for column in result["columns"]),
        '],\n"answers": {',
        ",\n".join(f"{json.dumps(text)}: {json.dumps(answer)}" for text, answer in result["answers"].items()),
        "}}\n",
    ]
    file.write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    record()
