"""What a person can do here: `nox -l` lists it, `nox -s NAME` does it, with all that it needs."""

import os
import shutil
import subprocess
from pathlib import Path

import nox

nox.options.sessions = ["report"]
nox.options.default_venv_backend = "virtualenv"

ROOT = Path(__file__).parent
R_PACKAGES = [
    "r-base-core",
    "r-cran-lme4",
    "r-cran-nlme",
    "r-cran-mlmrev",
    "r-cran-jsonlite",
]
R_ADVICE = (
    "R with lme4 is not here and cannot be installed from here; install R >= 4.0 with the packages lme4, nlme, "
    "mlmRev and jsonlite (Debian and Ubuntu: apt-get install " + " ".join(R_PACKAGES) + ")"
)


def r_works() -> bool:
    """Whether R runs and has the packages."""
    if shutil.which("Rscript") is None:
        return False
    probe = "for (p in c('lme4', 'nlme', 'mlmRev', 'jsonlite')) stopifnot(requireNamespace(p, quietly = TRUE))"
    return subprocess.run(["Rscript", "--vanilla", "-e", probe], capture_output=True, check=False).returncode == 0


def required(name: str) -> bool:
    """Whether the environment asks that a program be there: lme4, or chromium."""
    return name in os.environ.get("RELMER_REQUIRE", "").replace(",", " ").split()


def install_r(session: nox.Session) -> None:
    """Install R and lme4 by apt, where it is there and may be used."""
    if r_works():
        session.log("R with lme4 is here")
        return
    apt(session, R_PACKAGES, R_ADVICE)
    if not r_works():
        session.error(R_ADVICE)


def install_chromium(session: nox.Session) -> None:
    """Install the browser of the page's tests."""
    if shutil.which("chromium") is None:
        apt(session, ["chromium", "fonts-dejavu-core"], "chromium is not here and cannot be installed from here")


def apt(session: nox.Session, packages: list[str], advice: str) -> None:
    """Install Debian packages, where apt is and may be used; else give the advice."""
    root = os.geteuid() == 0
    if shutil.which("apt-get") is None or not (root or shutil.which("sudo")):
        session.error(advice)
    prefix = [] if root else ["sudo", "-n"]
    environment = {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        session.run(*prefix, "apt-get", "update", "-q", external=True, env=environment)
        arguments = ["install", "-q", "-y", "--no-install-recommends", *packages]
        session.run(*prefix, "apt-get", *arguments, external=True, env=environment)
    except nox.command.CommandFailed:
        session.error(advice)


def install(session: nox.Session, *extras: str) -> None:
    """Install relmer as a wheel, with rpy2 where R is."""
    wanted = [*extras, *(["r"] if shutil.which("R") else [])]
    session.install(f".[{','.join(wanted)}]" if wanted else ".")


@nox.session
def report(session: nox.Session) -> None:
    """Judge every case on every engine: relmer-report/report.html. Arguments go to `relmer run`."""
    install(session, "certify")
    session.run("relmer", "run", *session.posargs)


@nox.session
def verify(session: nox.Session) -> None:
    """Prove every certificate again, from the CSV files. Arguments go to `relmer certify --verify`."""
    install(session, "certify")
    session.run("relmer", "certify", "--verify", *session.posargs)


@nox.session
def nightly(session: nox.Session) -> None:
    """Prove every bisection tree again, read 20,000 drawn formulas beside lme4, fuzz the parser. Takes half an hour."""
    install_r(session)
    install(session, "dev", "certify")
    session.run("relmer", "certify", "--verify", "--trees", *session.posargs)
    session.run("python", "tests/support/fuzz.py", "600")
    drawn = {"RELMER_REQUIRE": "lme4", "RELMER_EXAMPLES": "20000"}
    session.run("pytest", "tests/live/test_drawn_formulas_live.py", env=drawn)


@nox.session
def tests(session: nox.Session) -> None:
    """Pass the tests. RELMER_REQUIRE=lme4,chromium installs these, and lets no test of theirs be skipped."""
    if required("lme4"):
        install_r(session)
    if required("chromium"):
        install_chromium(session)
    install(session, "dev")
    session.run("pytest", *session.posargs)


@nox.session
def live(session: nox.Session) -> None:
    """Pass the tests that need R; none may be skipped."""
    install_r(session)
    install(session, "dev")
    session.run("pytest", "tests/live", *session.posargs, env={"RELMER_REQUIRE": "lme4"})


@nox.session
def lowest(session: nox.Session) -> None:
    """Pass the tests with the oldest dependencies that pyproject.toml allows."""
    project = nox.project.load_toml("pyproject.toml")["project"]
    oldest = [line.split(",")[0].replace(">=", "==") for line in project["dependencies"]]
    install(session, "dev")
    session.install(*oldest)
    session.run("pytest", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure relmer beside lme4, mixedlm and lme-python: docs/benchmark.md. `-- --quick` leaves out large models."""
    install_r(session)
    session.install(".", "mixedlm==1.3.0", "lme-python==0.2.7")
    session.run("python", "tests/bench/bench.py", *session.posargs)


@nox.session
def hot(session: nox.Session) -> None:
    """Time the functions that every fit runs through, beside the last time."""
    session.install(".", "pytest>=8.3,<10", "pytest-benchmark>=5.1,<6")
    store = f"--benchmark-storage=file://{Path(session.cache_dir) / 'hot'}"
    arguments = [store, "--benchmark-autosave", "--benchmark-compare", *session.posargs]
    session.run("pytest", "tests/bench/hot.py", *arguments, env={"OPENBLAS_NUM_THREADS": "1"})


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and format."""
    session.install("ruff>=0.9,<1")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check types, on the installed wheel."""
    install(session, "dev")
    with session.chdir(Path(session.create_tmp())):
        session.run("mypy", "--config-file", str(ROOT / "pyproject.toml"), "-p", "relmer")


@nox.session(venv_backend="none")
def r(session: nox.Session) -> None:
    """Install R and lme4 where apt is."""
    install_r(session)
