"""`relmer certify --data --formula`: from a CSV file to a certificate that stands by itself."""

import json
from decimal import Decimal
from importlib import util
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from relmer.reports.commands import certify as command
from relmer.reports.commands.main import main


def relmer(*arguments: object) -> Result:
    return CliRunner().invoke(main, list(map(str, arguments)), catch_exceptions=False)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Unbalanced, with slopes, a missing response, names and texts that are awkward."""
    random = np.random.default_rng(11)
    g, dose = random.integers(0, 9, 80), np.round(random.uniform(1, 20, 80), 1)
    y = np.round(3 * np.log(dose) + random.normal(size=9)[g] * (1 + dose / 5) + random.normal(size=80), 2)
    lines = [f'{y[i]},{dose[i]},"clinic {g[i]}, north"' for i in range(80)]
    path = tmp_path / "my data.csv"
    path.write_text("\n".join(["y,dose,the clinic", *lines, "NA,1.5,x"]) + "\n", encoding="utf-8")
    return path


def test_from_a_file_to_a_proof_and_back(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    found = relmer("certify", "--data", data, "--formula", "y ~ dose + (dose | `the clinic`)", "--out", out)
    assert found.exit_code == 0, found.output
    assert "80 rows: decimal local-proved, double local-proved" in found.output
    assert "note: 1 of 81 rows dropped" in found.output
    assert "Z has for each the clinic (Intercept) = 1, dose" in found.output
    stored = json.loads((out / "my-data.reml.json").read_text(encoding="utf-8"))
    assert stored["data"]["file"] == "my data.csv"
    assert str(tmp_path) not in (out / "my-data.reml.json").read_text(encoding="utf-8")
    again = relmer("certify", "--verify", "--certificate", out / "my-data.reml.json", "--data", data)
    assert (again.exit_code, again.output) == (
        0,
        "my-data.reml.json is proved again: decimal local-proved, double local-proved\n",
    )
    data.write_text(data.read_text(encoding="utf-8").replace("clinic 3", "clinic 4", 1), encoding="utf-8")
    refused = relmer("certify", "--verify", "--certificate", out / "my-data.reml.json", "--data", data)
    assert refused.exit_code == 1
    assert "sha256 of my data.csv is not that of the certificate" in refused.output


def test_json_is_one_document_with_levels_and_proved_values(data: Path, tmp_path: Path) -> None:
    """What the certificate holds, as a list of an object for each model; what is said else goes to stderr."""
    model = ("--data", data, "--formula", "y ~ 1 + (1 | `the clinic`)")
    made = relmer("certify", *model, "--out", tmp_path, "--json")
    assert made.exit_code == 0, made.output
    (one,) = json.loads(made.stdout)
    stored = json.loads((tmp_path / "my-data.reml.json").read_text(encoding="utf-8"))
    assert (one["proved"], one["certificate"]) == (True, str(tmp_path / "my-data.reml.json"))
    assert one["readings"] == {name: claim["level"] for name, claim in stored["readings"].items()}
    proved = stored["readings"][one["values_of"]]["values"]
    assert {"criterion", "sigma", "beta[(Intercept)]"} <= set(one["values"])
    assert all(Decimal(text) == Decimal(f"{float(proved[key]['value']):.15g}") for key, text in one["values"].items())
    assert one["told"] == made.stderr.splitlines()[-len(one["told"]) :]
    verify = ("certify", "--verify", "--certificate", tmp_path / "my-data.reml.json", "--data", data, "--json")
    (again,) = json.loads(relmer(*verify).stdout)
    assert (again["proved"], again["readings"]) == (True, one["readings"])
    data.write_text(data.read_text(encoding="utf-8").replace("clinic 3", "clinic 4", 1), encoding="utf-8")
    refused = relmer(*verify)
    (no,) = json.loads(refused.stdout)
    assert refused.exit_code == 1
    assert (no["proved"], no["told"]) == (False, refused.stderr.splitlines())
    unproved = relmer("certify", "--data", data, "--formula", "y ~ dose", "--out", tmp_path, "--json")
    assert unproved.exit_code == 1
    assert [one["proved"] for one in json.loads(unproved.stdout)] == [False]


def test_json_of_stored_certificates(tmp_path: Path) -> None:
    """Those that are proved again, and the files that their values are written to."""
    verified = relmer("certify", "--verify", "--case", "dyestuff/reml", "--jobs", "1", "--json")
    (one,) = json.loads(verified.stdout)
    assert (verified.exit_code, one["proved"]) == (0, True)
    assert "1 of 1 certificates proved again" in verified.stderr
    written = json.loads(relmer("certify", "--export", tmp_path, "--case", "dyestuff/reml", "--json").stdout)
    assert written and all(Path(entry["file"]).is_file() for entry in written)


def test_functions_are_proved_and_matrices_told(data: Path, tmp_path: Path) -> None:
    formula = "y ~ log(dose) + (log(dose) | `the clinic`)"
    found = relmer("certify", "--data", data, "--formula", formula, "--ml", "--out", tmp_path)
    assert found.exit_code == 0, found.output
    assert "decimal local-proved, matrices local-proved" in found.output
    assert "log(dose) is computed in balls: ['log', ['column', 'dose']]" in found.output
    assert "of the doubles of y, X and Z in my-data.ml.matrices.csv.gz, not of the file" in found.output
    matrices = tmp_path / "my-data.ml.matrices.csv.gz"
    assert relmer("certify", "--verify", "--certificate", tmp_path / "my-data.ml.json", "--data", data).exit_code == 0
    matrices.write_bytes(matrices.read_bytes()[:-9])
    refused = relmer("certify", "--verify", "--certificate", tmp_path / "my-data.ml.json", "--data", data)
    assert (refused.exit_code, "cannot be read" in refused.output) == (1, True)


def test_a_global_proof_has_its_tree(data: Path, tmp_path: Path) -> None:
    formula = "y ~ dose + (1 | `the clinic`)"
    found = relmer("certify", "--data", data, "--formula", formula, "--global", "--out", tmp_path)
    assert "decimal global-proved, double global-proved" in found.output
    path = tmp_path / "my-data.reml.json"
    trees = relmer("certify", "--verify", "--trees", "--certificate", path, "--data", data)
    assert (trees.exit_code, "leaves" in trees.output) == (0, True)


def test_what_is_not_proved_is_one_line(data: Path, tmp_path: Path) -> None:
    formulas = ("y ~ dose", "y ~ dose + (1 | `the clinic`)")
    asked = [part for formula in formulas for part in ("--formula", formula)]
    found = relmer("certify", "--data", data, *asked, "--out", tmp_path)
    assert found.exit_code == 1
    assert "y ~ dose: not proved: the model has no random effects" in found.output
    assert (tmp_path / "my-data-2.reml.json").exists()


@pytest.mark.parametrize(
    "arguments, told",
    [
        (["--certificate", "DATA"], "--certificate is proved with --verify and --data"),
        (["--formula", "y ~ 1 + (1 | g)"], "--data is missing"),
        (["--data", "DATA"], "--formula is missing"),
        (["--data", "DATA", "--formula", "y ~ nothing + (1 | g)"], "no column"),
        (["--verify", "--certificate", "DATA", "--data", "DATA"], "is no certificate"),
    ],
)
def test_bad_use_is_one_line(data: Path, arguments: list[str], told: str) -> None:
    found = relmer("certify", *(str(data) if part == "DATA" else part for part in arguments))
    assert found.exit_code in (1, 2)
    assert told in found.output
    assert len(found.output.splitlines()) == 1


def test_without_python_flint_it_is_one_line(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "find_spec", lambda name: None if name == "flint" else util.find_spec(name))
    found = relmer("certify", "--data", data, "--formula", "y ~ dose + (1 | `the clinic`)")
    assert found.exit_code == 2
    assert found.output == "relmer: relmer certify needs python-flint: pip install 'relmer[certify]'\n"


ARGUMENTS = [
    ["--weights", "1/dose^2"],
    ["--offset", "dose / 3"],
    ["--subset", "dose > 5"],
    ["--contrasts", "k=contr.sum"],
    ["--levels", "k=high,low"],
    ["--na-action", "na.exclude"],
    ["--types", "TYPES"],
]


@pytest.mark.parametrize("asked", ARGUMENTS, ids=lambda asked: asked[0])
def test_arguments_of_lme4_are_in_the_certificate(tmp_path: Path, asked: list[str]) -> None:
    random = np.random.default_rng(6)
    g, dose, k = random.integers(0, 8, 70), np.round(random.uniform(1, 20, 70), 1), random.integers(0, 2, 70)
    y = np.round(dose + random.normal(size=8)[g] * 2 + k + random.normal(size=70), 2)
    path = tmp_path / "d.csv"
    lines = [f"{y[i]},{dose[i]},{'low' if k[i] else 'high'},{g[i]}" for i in range(70)]
    path.write_text("\n".join(["y,dose,k,g", *lines]) + "\n", encoding="utf-8")
    (tmp_path / "types.toml").write_text('[[column]]\nname = "k"\ntype = "factor"\nlevels = ["low", "high"]\n')
    given = [str(tmp_path / "types.toml") if part == "TYPES" else part for part in asked]
    found = relmer("certify", "--data", path, "--formula", "y ~ dose + k + (1 | g)", *given, "--out", tmp_path)
    assert found.exit_code == 0, found.output
    assert "decimal local-proved" in found.output
    again = relmer("certify", "--verify", "--certificate", tmp_path / "d.reml.json", "--data", path)
    assert again.exit_code == 0, again.output


def test_the_model_of_a_certificate_is_not_asked_again(data: Path, tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    path.write_text("{}", encoding="utf-8")
    for more in (["--formula", "y ~ 1 + (1 | g)"], ["--weights", "dose"], ["--global"], ["--ml"]):
        found = relmer("certify", "--verify", "--certificate", path, "--data", data, *more)
        assert (found.exit_code, len(found.output.splitlines())) == (2, 1), more
        assert "--certificate holds the model" in found.output


@pytest.mark.parametrize("structure", ["cs", "ar1", "diag"])
def test_a_structure_has_no_certificate(data: Path, tmp_path: Path, structure: str) -> None:
    formula = f"y ~ dose + {structure}(dose | `the clinic`)"
    found = relmer("certify", "--data", data, "--formula", formula, "--out", tmp_path)
    assert found.exit_code == 1
    assert "not proved: the covariance of the clinic has a structure" in found.output.splitlines()[-1]


HOSTILE = {
    "no JSON": b"not json",
    "no text": bytes(range(256)),
    "empty": b"",
    "a list": b"[]",
    "NaN": b"NaN",
    "no keys": b"{}",
    "deep": b"[" * 5_000_000,
    "a long number": b'{"schema": ' + b"1" * 5_000_000 + b"}",
    "a data file that is a number": b'{"data": {"file": 3}}',
    "infinite": b'{"schema": "relmer-own-certificate/2", "data": {"file": "a", "sha256": "b", "rows": 1e999}}',
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_certificate_is_one_line(data: Path, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "c.json"
    path.write_bytes(content)
    found = relmer("certify", "--verify", "--certificate", path, "--data", data)
    assert found.exit_code == 1
    assert (len(found.output.splitlines()), found.output.startswith("c.json is ")) == (1, True)
