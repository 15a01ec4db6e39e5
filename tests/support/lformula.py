"""What lme4's `lFormula` makes of formulas, from a running R; and a recording of the table for machines without R.

`python tests/support/lformula.py` records anew.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import pandas as pd
from formula_data import data, r_column
from formula_table import REFUSED, formulas

RECORDED = Path(__file__).parent.parent / "solver" / "language" / "lformula.json"
# A line of JSON for each line of JSON. Each column is kept once, by its place among all.
SCRIPT = r"""
invisible(Sys.setlocale("LC_ALL", "C.UTF-8")); invisible(Sys.setlocale("LC_COLLATE", "C")); Sys.setenv(TZ = "UTC")
suppressMessages({library(lme4); library(splines)})
pooled <- function(x) {
  key <- paste(sprintf("%.17g", as.vector(x)), collapse = " ")
  name <- paste0("#", key)
  if (is.null(pool[[name]])) { columns <<- c(columns, key); assign(name, length(columns) - 1L, envir = pool) }
  pool[[name]]
}
checks <- c("check.nobs.vs.nRE", "check.nobs.vs.nlev", "check.nlev.gtr.1", "check.nobs.vs.rankZ", "check.rankX",
  "check.scaleX", "check.formula.LHS")
control <- do.call(lmerControl, as.list(setNames(rep("ignore", length(checks)), checks)))
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
argued <- function(m) c(model(m), list(weights = I(lapply(list(model.weights(m$fr)), pooled))))
of_formula <- function(text)
  model(lFormula(as.formula(text, env = new.env(parent = globalenv())), d, control = control))
of_call <- function(text) argued(eval(parse(text = text, encoding = "UTF-8", keep.source = FALSE)))
versions <- list(R = R.version.string, lme4 = as.character(packageVersion("lme4")))
input <- file("stdin", "r", encoding = "UTF-8")
while (length(line <- readLines(input, 1, warn = FALSE))) {
  asked <- jsonlite::fromJSON(line)
  d <- eval(parse(text = asked$data, encoding = "UTF-8", keep.source = FALSE))
  pool <- new.env(); columns <- character()
  describe <- if (asked$calls) of_call else of_formula
  answers <- lapply(asked$texts, function(text) suppressWarnings(suppressMessages(
    tryCatch(describe(text), error = function(e) list(error = conditionMessage(e))))))
  told <- list(versions = versions, columns = I(columns), answers = answers)
  cat(jsonlite::toJSON(told, auto_unbox = TRUE), "\n", sep = ""); flush(stdout())
}
"""


class Reader:
    """lme4 in a running R, which reads formulas as long as it is asked; a context, which ends it."""

    def __init__(self, *command: str) -> None:
        self.process = subprocess.Popen(
            [*command, "--vanilla", "-e", SCRIPT],
            env={**os.environ, "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def ask(self, frame: pd.DataFrame, texts: Sequence[str], calls: bool = False) -> dict[str, Any]:
        """Versions, columns, and by formula what lme4 makes of it; or by call of `lFormula`, with `d` for the data."""
        columns = ", ".join(f"`{name}` = {r_column(frame[name])}" for name in frame)
        asked = {"data": f"data.frame({columns}, check.names = FALSE)", "texts": list(texts), "calls": calls}
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "R has ended"
        told: dict[str, Any] = json.loads(line)
        return {**told, "answers": dict(zip(texts, told["answers"], strict=True))}


def ask(rscript: str) -> dict[str, Any]:
    """What lme4 makes of the table's formulas."""
    with Reader(rscript) as reader:
        return reader.ask(data(), [*formulas(), *REFUSED])


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
