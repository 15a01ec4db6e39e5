"""What a person can do here: `nox -l` lists it, `nox -s NAME` does it, with all that it needs."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import nox

nox.options.sessions = ["report"]
nox.options.default_venv_backend = "virtualenv"

ROOT = Path(__file__).parent
R_PACKAGES = [
    "r-base-core",
    "r-cran-lme4",
    "r-cran-lmertest",
    "r-cran-pbkrtest",
    "r-cran-nlme",
    "r-cran-mlmrev",
    "r-cran-jsonlite",
]
# A file of tests stays on one worker: what it makes once, or starts (R, a browser), is made once. Which are taken first
# is said in tests/conftest.py.
WORKERS = ["--numprocesses", "auto", "--maxprocesses", "8", "--dist", "loadfile", "--no-loadscope-reorder"]
PYTEST = ["pytest", *WORKERS, "--durations", "60"]
R_ADVICE = (
    "R with lme4 is not here and cannot be installed from here; install R >= 4.0 with the packages lme4, nlme, "
    "mlmRev and jsonlite (Debian and Ubuntu: apt-get install " + " ".join(R_PACKAGES) + ")"
)

# Debian's releases and their lme4. Recording in another is a line here.
RELEASES = {"bullseye": "1.1-26", "bookworm": "1.1-31", "trixie": "1.1-37", "forky": "2.1-0"}
R_IN_CHROOT = ["r-base-core", "r-cran-lme4", "r-cran-nlme", "r-cran-jsonlite"]
VARIANTS = ("lme4", "lme4-bobyqa", "lme4-tight")
RECORDED = "reference/recorded"
# Other people's packages: each in the extra of its name, or of R.
PEERS = ("statsmodels", "mixedlm", "mixedlm-rs", "lme-python", "kamino-lme", "interlace-lme", "pymer4")
OWN = ("pls", "qr", "gls")
LAWS_OF = [f"--engine={name}" for name in (*OWN, *VARIANTS, "nlme", "statsmodels", "mixedlm", "mixedlm-rs")]
R_PEERS = ("nlme", "nlme-gls", "glmmtmb")


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
    """Pass all tests, of which CI takes a sample; prove every tree again, fuzz the parser, plant faults, hold laws.

    Generated designs are judged, and the install of the README is done in a fresh copy. It takes some hours.
    """
    install_r(session)
    install_chromium(session)
    install(session, "dev", "certify")
    session.run("relmer", "certify", "--verify", "--trees", *session.posargs)
    session.run("python", "tests/support/fuzz.py", "600")
    session.run("python", "tests/support/questions.py")
    # All cases of everybody, 20,000 drawn formulas, all examples of every property: tests/support/sample.py.
    session.run(*PYTEST, env={"RELMER_REQUIRE": "lme4,chromium", "RELMER_ALL": "1"})
    session.run("python", "-m", "tests.faults")
    session.run("python", "-m", "tests.alarms")
    session.run("relmer", "laws", *(f"--engine={name}" for name in OWN))
    session.run("relmer", "laws", *LAWS_OF, success_codes=[0, 1])


@nox.session
def laws(session: nox.Session) -> None:
    """Hold every engine against every law, and make docs/laws.md and the report's table. It takes half an hour.

    One that was interrupted goes on.
    """
    install_r(session)
    install(session, "dev", "certify")
    journal = Path(session.cache_dir).resolve() / "laws.jsonl"
    made = ["--journal", str(journal), "--page", "docs/laws.md", "--record", "reports/pages/laws.json"]
    session.run("relmer", "laws", *LAWS_OF, *made, *session.posargs, success_codes=[0, 1])
    journal.unlink(missing_ok=True)


@nox.session
def faults(session: nox.Session) -> None:
    """Plant every fault on every case, and print what the judge catches. `-- --write` makes docs/faults.md anew.

    It takes half an hour on one core; `-- --jobs N` takes more. One that was interrupted goes on.
    """
    session.install(".[certify]")
    journal = Path(session.cache_dir).resolve() / "faults.jsonl"
    session.run("python", "-m", "tests.faults", "--journal", str(journal), *session.posargs)
    journal.unlink(missing_ok=True)


@nox.session
def alarms(session: nox.Session) -> None:
    """Judge 2,000 generated designs on all engines, and prove what is called wrong. `-- --write` makes docs/alarms.md.

    It takes an hour on one core; one that was interrupted goes on. `-- --design GLOB` chooses.
    """
    install_r(session)
    session.install(".[dev,certify,r]")
    journal = Path(session.cache_dir).resolve() / "alarms.jsonl"
    session.run("python", "-m", "tests.alarms", "--journal", str(journal), *session.posargs)
    journal.unlink(missing_ok=True)


@nox.session
def mutation(session: nox.Session) -> None:
    """Change the heart in small ways, and tell what no test sees. Arguments are modules or folders; all otherwise.

    `-- --write` makes docs/mutation.md anew, `-- --read` tells what earlier runs left. A module takes minutes, all
    take most of a day; one that was interrupted goes on.
    """
    session.install(".[dev]", "mutmut>=3.8,<3.9")
    place = Path(session.cache_dir).resolve() / "mutants"
    session.run("python", "-m", "tests.mutation", "--place", str(place), *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Pass the tests. RELMER_REQUIRE=lme4,chromium installs these, and lets no test of theirs be skipped."""
    if required("lme4"):
        install_r(session)
    if required("chromium"):
        install_chromium(session)
    install(session, "dev")
    session.run(*PYTEST, *session.posargs)


@nox.session
def live(session: nox.Session) -> None:
    """Pass the tests that need R; none may be skipped."""
    install_r(session)
    install(session, "dev")
    session.run(*PYTEST, "tests/live", *session.posargs, env={"RELMER_REQUIRE": "lme4"})


@nox.session
def lowest(session: nox.Session) -> None:
    """Pass the tests with the oldest dependencies that pyproject.toml allows."""
    project = nox.project.load_toml("pyproject.toml")["project"]
    oldest = [line.split(",")[0].replace(">=", "==") for line in project["dependencies"]]
    install(session, "dev")
    session.install(*oldest)
    session.run(*PYTEST, *session.posargs)


def mirror(session: nox.Session) -> str:
    """Debian's mirror, as apt is configured here."""
    ask = ["apt-get", "indextargets", "--format", "$(SITE) $(ORIGIN) $(LABEL) $(COMPONENT)", "Created-By: Packages"]
    told = subprocess.run(ask, capture_output=True, text=True, check=False).stdout.splitlines()
    sites = [line.split()[0] for line in told if line.endswith(" Debian Debian main")]
    if not sites:
        session.error("apt knows no mirror of Debian here: run apt-get update on a Debian")
    return sites[0]


def make_chroot(session: nox.Session, release: str, folder: Path) -> None:
    """A small Debian of that release with R and lme4, reached as this machine reaches its own packages."""
    script = "/usr/share/debootstrap/scripts/sid"
    session.run("debootstrap", "--variant=minbase", release, str(folder), mirror(session), script, external=True)
    told = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=True).stdout
    kept = [line for line in told.splitlines() if line.startswith("Acquire::") and "::IndexTargets" not in line]
    (folder / "etc/apt/apt.conf.d/99host").write_text("\n".join(kept) + "\n", encoding="utf-8")
    for name in ("hosts", "resolv.conf"):
        shutil.copyfile(f"/etc/{name}", folder / "etc" / name)
    environment = {"DEBIAN_FRONTEND": "noninteractive"}
    apt = ["chroot", str(folder), "apt-get"]
    session.run(*apt, "update", "-q", external=True, env=environment)
    session.run(*apt, "install", "-q", "-y", "--no-install-recommends", *R_IN_CHROOT, external=True, env=environment)


def remove_chroot(folder: Path) -> None:
    """Remove a chroot, what runs in it first; what is mounted in it is unmounted, so that nothing behind it goes."""
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if Path(os.readlink(process / "root")).is_relative_to(folder):
                os.kill(int(process.name), signal.SIGKILL)
    places = [line.split()[1] for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]
    for place in sorted((p for p in places if Path(p).is_relative_to(folder)), reverse=True):
        subprocess.run(["umount", place], check=True)
    shutil.rmtree(folder)


@nox.session
def versions(session: nox.Session) -> None:
    """Record every case on lme4 of four Debian releases, in chroots that are removed, and make docs/versions.md.

    Arguments are releases; all four otherwise. It needs root, apt and 3 GB, and takes some 15 minutes.
    """
    chosen = session.posargs or [*RELEASES]
    if unknown := [name for name in chosen if name not in RELEASES]:
        session.error(f"{unknown[0]} is none of {', '.join(RELEASES)}")
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        session.error("chroots of Debian's releases need root and apt")
    brought = shutil.which("debootstrap") is None
    if brought:
        session.run("apt-get", "install", "-q", "-y", "--no-install-recommends", "debootstrap", external=True)
    session.install("-e", ".[certify]")
    place = Path(tempfile.mkdtemp(prefix="relmer-versions-"))
    new = place / "recorded"
    # Whoever ends this session ends it as an interrupt does: what it made is removed.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        for release in chosen:
            folder = place / release
            make_chroot(session, release, folder)
            names = [f"{variant}@{RELEASES[release]}" for variant in VARIANTS]
            command = json.dumps(["chroot", str(folder), "Rscript"])
            engines = place / f"{release}.toml"
            engines.write_text("".join(f'[engine."{name}"]\ncommand = {command}\n' for name in names), "utf-8")
            asked = [word for name in names for word in ("--engine", name)]
            session.run("relmer", "record", "--engines", str(engines), *asked, "--pack", "--into", str(new))
            remove_chroot(folder)
        for made in new.iterdir():
            shutil.copyfile(made, ROOT / RECORDED / made.name)
        session.run("python", "-c", "from relmer.reference.answers import recorded; recorded.gather()")
    finally:
        remove_chroot(place)
        if brought:
            session.run("apt-get", "remove", "-q", "-y", "debootstrap", external=True)
    session.run("relmer", "versions", "lme4@*", "--out", "docs/versions.md")


@nox.session
def peers(session: nox.Session) -> None:
    """Judge other people's packages on every case, and make docs/peers.md; 35 minutes, taken up where it was ended.

    Arguments are engines, such as statsmodels; all that can be brought otherwise.
    """
    chosen = session.posargs or [*PEERS, *R_PEERS]
    session.install("-e", f".[{','.join(['certify', 'r', *(name for name in chosen if name in PEERS)])}]")
    asked = [word for name in chosen for word in ("--engine", name)]
    # Status 1 is what the page is for: packages are wrong somewhere.
    session.run("relmer", "run", *asked, "--resume", "--out", "relmer-peers", success_codes=[0, 1])
    session.run("relmer", "peers", "relmer-peers", "--out", "docs/peers.md")


@nox.session
def bench(session: nox.Session) -> None:
    """Measure relmer beside lme4, mixedlm and lme-python: docs/benchmark.md. `-- --quick` leaves out large models."""
    install_r(session)
    session.install(".[sweep,statsmodels]", "mixedlm==1.3.0", "lme-python==0.2.7")
    session.run("python", "tests/bench/bench.py", *session.posargs)
    session.run("python", "tests/bench/design.py")
    session.run("python", "tests/bench/inference.py", env={"OPENBLAS_NUM_THREADS": "1"})
    session.run("python", "tests/bench/sweeps.py", "--write", env={"OPENBLAS_NUM_THREADS": "1"})


@nox.session
def hot(session: nox.Session) -> None:
    """Time the functions that every fit runs through, beside the last time."""
    session.install(".", "pytest>=8.3,<10", "pytest-benchmark>=5.1,<6")
    store = f"--benchmark-storage=file://{Path(session.cache_dir) / 'hot'}"
    arguments = [store, "--benchmark-autosave", "--benchmark-compare", *session.posargs]
    session.run("pytest", "tests/bench/hot.py", *arguments, env={"OPENBLAS_NUM_THREADS": "1"})


@nox.session
def docs(session: nox.Session) -> None:
    """Build the site of docs/ into site/: no page outside its contents, no link to nothing, no request to others."""
    session.install(".[docs]")
    quiet = {"NO_MKDOCS_2_WARNING": "1"}
    session.run("mkdocs", "build", "--strict", "-f", "docs/site/mkdocs.yml", *session.posargs, env=quiet)
    session.run("python", "tests/support/built_site.py", "site")


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and format."""
    session.install("ruff>=0.9,<1")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check types, on the installed wheel."""
    dev = nox.project.load_toml("pyproject.toml")["project"]["optional-dependencies"]["dev"]
    # A part of what tests need, which installs in half the time.
    wanted = [line for line in dev if line.startswith(("mypy>", "pytest>", "pandas-stubs", "scipy-stubs"))]
    session.install(".[certify,sweep]", *wanted)
    with session.chdir(Path(session.create_tmp())):
        session.run("mypy", "--config-file", str(ROOT / "pyproject.toml"), "-p", "relmer")


def pythons() -> list[str]:
    """The oldest and the newest Python here that relmer takes, by their programs."""
    found = {}
    for minor in range(11, 30):
        name = f"python3.{minor}"
        # pyenv's shims are there for Pythons that are switched off: what counts is whether the program runs.
        places = [shutil.which(name), *sorted(Path.home().glob(f".pyenv/versions/3.{minor}.*/bin/python"))]
        for place in map(str, filter(None, places)):
            if subprocess.run([place, "-c", "import venv"], capture_output=True, check=False).returncode == 0:
                found[minor] = place
                break
    return [found[minor] for minor in sorted({min(found), max(found)})]


@nox.session
def release(session: nox.Session) -> None:
    """Build wheel and source archive into dist/, check them, and try the wheel bare on the oldest and newest Python."""
    session.install("build>=1.2,<2", "twine>=6,<8")
    made = Path(session.create_tmp()).resolve() / "dist"
    shutil.rmtree(made, ignore_errors=True)
    session.run("python", "-m", "build", "--outdir", str(made))
    shutil.rmtree(ROOT / "build", ignore_errors=True)
    (whole,) = made.glob("*.whl")
    session.run("twine", "check", "--strict", *map(str, made.iterdir()))
    session.run("python", "tests/support/wheel.py", str(whole))
    for python in pythons():
        bare = Path(session.create_tmp()).resolve() / "bare"
        shutil.rmtree(bare, ignore_errors=True)
        session.run(python, "-m", "venv", str(bare), external=True)
        session.run(str(bare / "bin/pip"), "install", "-q", str(whole), external=True)
        csv = ROOT / "datasets/data/sleepstudy.csv"
        with session.chdir(bare):
            relmer = str(bare / "bin/relmer")
            session.run(relmer, "fit", "Reaction ~ Days + (Days | Subject)", str(csv), external=True)
            session.run(relmer, "run", "--case", "docs/*", "--out", str(bare / "report"), external=True)
    shutil.copytree(made, ROOT / "dist", dirs_exist_ok=True)


@nox.session(venv_backend="none")
def r(session: nox.Session) -> None:
    """Install R and lme4 where apt is."""
    install_r(session)
