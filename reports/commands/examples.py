"""The examples that --help shows; each runs as it stands in a copy of this project, without R."""

from collections.abc import Mapping

SITES = "--data docs/examples/sites.csv --formula 'cover ~ year + (year | site)'"
EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "": (
        "relmer run --case dyestuff/reml",
        f"relmer run {SITES}",
        "relmer fit 'Reaction ~ Days + (Days | Subject)' datasets/data/sleepstudy.csv",
    ),
    "run": (
        "relmer run --case dyestuff/reml --engine lme4 --out out",
        f"relmer run {SITES} --quiet",
        "relmer run --case dyestuff/reml --fail-on early --annotate github --json",
    ),
    "judge": (
        "relmer judge docs/examples/sas.csv --out out",
        "relmer judge --template dyestuff/reml --csv",
    ),
    "fit": (
        "relmer fit 'Reaction ~ Days + (Days | Subject)' datasets/data/sleepstudy.csv",
        "relmer fit 'cover ~ year + (1 | site)' docs/examples/sites.csv --ml --json",
    ),
    "diff": (
        "relmer diff lme4@1.1-31 lme4@2.1-0 --case dyestuff/reml --only-changed",
        "relmer diff lme4@1.1-31 lme4@2.1-0 --case dyestuff/reml --json --out out",
    ),
    "record": (
        "relmer record --engine pls --case dyestuff/reml --into recordings",
        "relmer record --engine pls --engine qr --case 'dyestuff/*' --gather --into recordings",
    ),
    "versions": ("relmer versions 'lme4@*' --case dyestuff/reml --out versions.md",),
    "warnings": ("relmer warnings 'lme4@*' --case 'nist/SmLs08-*' --out warnings.md",),
    "peers": ("relmer peers report",),
    "certify": (
        "relmer certify --verify --case dyestuff/reml --jobs 1",
        "relmer certify --export values --case 'dyestuff/*'",
    ),
    "explain": (f"relmer explain {SITES} --theta 1,0,0.1",),
    "laws": ("relmer laws --engine pls --law rows --case dyestuff/reml",),
    "cases": ("relmer cases --case 'docs/*'",),
    "engines": ("relmer engines",),
    "datasets": ("relmer datasets",),
    "completion": ("relmer completion bash",),
}


def told_examples(command: str) -> str | None:
    """The examples of a command as its help shows them, a line each."""
    lines = EXAMPLES.get(command, ())
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)]) if lines else None
