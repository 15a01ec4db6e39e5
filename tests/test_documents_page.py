"""The examples of docs/documents.md run and print what the page says."""

import doctest
from pathlib import Path

from relmer import solver

PAGE = Path(__file__).parent.parent / "docs" / "documents.md"


def test_the_page_runs() -> None:
    result = doctest.testfile(str(PAGE), module_relative=False, encoding="utf-8")
    assert result.attempted >= 40
    assert result.failed == 0


def test_every_public_name_is_on_the_page() -> None:
    text = PAGE.read_text(encoding="utf-8")
    # Fits, and what follows from them, are no document's: the pages of the API have them.
    beyond = {"Fit", "ModelError", "Unbounded", "Refits", "bootstrap", "refit", "simulate"}
    beyond |= {"fixef", "isSingular", "model_matrix", "postVar", "ranef"}
    beyond |= {"Summary", "predict", "summary"}
    beyond |= {"Profile", "anova", "confint", "drop1", "lrt"}
    beyond |= {"anova_table", "coef_table", "contest", "hypotheses"}
    beyond |= {"AIC", "BIC", "LogLik", "REMLcrit", "df_residual", "logLik", "nobs"}
    beyond |= {"Influence", "cooks_distance", "hatvalues", "influence", "rstudent"}
    beyond |= {"getME"}
    beyond |= {"refitML", "update"}
    beyond |= {"PrincipalComponents", "rePCA"}
    beyond |= {"LmList", "lmList"}
    assert {name for name in solver.__all__ if name not in text} == beyond
