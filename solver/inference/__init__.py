"""What is concluded from a fit: degrees of freedom, t and F, hypotheses about terms."""

from relmer.solver.inference.contests import anova_table, coef_table, contest
from relmer.solver.inference.kenward_roger import kenward_roger
from relmer.solver.inference.satterthwaite import satterthwaite
from relmer.solver.inference.terms import hypotheses

__all__ = ["anova_table", "coef_table", "contest", "hypotheses", "kenward_roger", "satterthwaite"]
