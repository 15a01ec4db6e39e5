"""Certificates of a person's own model: made, proved, written whole; and proved again."""

import gzip
import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from relmer.datasets import Case, data_of, write_whole
from relmer.reference.certify import json_text, made_by, plant, printed_values
from relmer.reference.ondemand.describe import Undescribed, described
from relmer.reference.ondemand.export import exported
from relmer.reference.ondemand.refine import NoMinimum, claimed
from relmer.reference.own_fits import design_of, fit_of
from relmer.reference.verify import (
    OWN_SCHEMA,
    Blocks,
    Column,
    Data,
    Proof,
    Refused,
    Table,
    content,
    lines_of,
    prepared,
    prove_of,
    prove_tree,
    tabulate,
    text_of,
    verify,
)
from relmer.solver.fits import Fit
from relmer.solver.language import ModelFrame, model_frame, parse
from relmer.solver.model import Design, factors, is_structured, response

Plain = dict[str, Any]
Tell = Callable[[str], None]
GZIP = b"\x1f\x8b"
# A column of the description and one of the design are one if they differ by no more than this part of its largest
# entry: far more than rounding, which is 1e-13 for polynomials, and far less than another column differs by.
SAME = 1e-9
# Singular values of a root, of the largest: the search sets those of a singular covariance to zero.
ZERO = 1e-10
# Criteria of the proof and of the solver, relative: the double criterion of 1e6 rows is good to 1e-11.
AGREED = 1e-8
# Widths of uniqueness that are tried, of small and of large models, where each takes time.
# Bits of a proof: a covariate that is far from zero takes more.
PRECISIONS = (256, 576)
WIDTHS, FEW_WIDTHS, LARGE_CORE = tuple(f"1e-{k}" for k in range(1, 31)), ("1e-8", "1e-16", "1e-30"), 500


class Unproved(ValueError):
    """No certificate can be made; one line that says why, and what to do."""


@dataclass(frozen=True)
class Source:
    """A person's data file.

    Attributes
    ----------
    path
        Where it is.
    separator, decimal, missing
        How it is written.
    """

    path: Path
    separator: str = ","
    decimal: str = "."
    missing: Sequence[str] = ()

    @property
    def form(self) -> Plain:
        """The same as a description has it."""
        return {
            "separator": self.separator,
            "decimal": self.decimal,
            "missing": list(dict.fromkeys(["", "NA", *self.missing])),
        }

    def text(self, content: bytes) -> str:
        """What stands in it; nothing where it is no text."""
        try:
            return (gzip.decompress(content) if content[:2] == GZIP else content).decode()
        except (UnicodeDecodeError, OSError):
            return ""


@dataclass(frozen=True)
class Made:
    """A certificate that was made.

    Attributes
    ----------
    path
        Its file.
    certificate
        What it holds.
    why_matrices
        Why the file could not be read by the kernel itself; nothing where it could.
    """

    path: Path
    certificate: Plain
    why_matrices: str


def certify(case: Case, source: Source, name: str, out: Path, wants_global: bool, tell: Tell) -> Made:
    """Make, prove and write the certificate of a case on a person's own data, and prove it again from the files.

    Parameters
    ----------
    case, source
        The model, and the file that its data set was read from.
    name
        Of the certificate; its files are NAME.json, NAME.matrices.csv.gz and trees/NAME.tree.gz.
    out
        The folder that they are written into.
    wants_global
        Prove that no other covariances have a lower criterion; for at most three variance parameters.
    tell
        Gets a line for each step.

    Raises
    ------
    Unproved
        There is nothing that can be proved; one line.
    """
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-.") or "model"
    content = source.path.read_bytes()
    frame = model_frame(parse(case.formula), data_of(case), **case.arguments)
    design = design_of(case)
    fit = searched(case)
    model, tables, why = readings_of(case, frame, source, source.text(content))
    certificate: Plain = {
        "schema": OWN_SCHEMA,
        "name": name,
        "case": case.name,
        "formula": case.formula,
        "arguments": case.told,
        "REML": case.reml,
        "data": {
            "name": re.sub(r"[^A-Za-z0-9_.-]+", "-", source.path.stem) or "data",
            "file": source.path.name,
            "sha256": hashlib.sha256(content).hexdigest(),
            "rows": len(design.y),
        },
        "model": model,
        "made": made_by(),
        "readings": {},
    }
    files: dict[str, str | bytes] = {}
    if "matrices" in tables:
        text, own = exported(design)
        files[f"{name}.matrices.csv.gz"] = gzip.compress(text.encode(), mtime=0)
        digest = hashlib.sha256(text.encode()).hexdigest()
        certificate["matrices"] = {"file": f"{name}.matrices.csv", "sha256": digest, "model": own}
        tables["matrices"] = tabulate(own, "matrices", text)
        certificate["model"] = model or own
    for reading, table in tables.items():
        tell(f"{reading}: proving")
        proof = proved(certificate, reading, prepared_of(table), fit)
        check_criterion(proof, fit)
    if wants_global:
        certificate = planted(certificate, source.text(content), out)
    files[f"{name}.json"] = json_text(certificate)
    write_whole(out, files)
    tell("proving again, from the files")
    verified(out / f"{name}.json", source.path)
    return Made(out / f"{name}.json", certificate, why)


def searched(case: Case) -> Fit:
    """The solver's fit, of which a minimum can be proved.

    Raises
    ------
    Unproved
        It has no minimum that is one alone.
    """
    fit = fit_of(case, "pls")
    if not fit.design.terms:
        raise Unproved("the model has no random effects: its estimates are least squares, and need no search")
    if is_structured(fit.design.terms):
        bound = ", ".join(term.group for term in fit.design.terms if not term.is_free)
        raise Unproved(
            f"the covariance of {bound} has a structure, which has no certificate: `relmer explain` tells how far "
            "a fit is from the optimum"
        )
    if fit.optimum.unidentified:
        open_ones = "; ".join(", ".join(names) for names in fit.optimum.unidentified)
        raise Unproved(f"the data do not tell apart {open_ones}: the optimum is no single point; leave a term out")
    return fit


def readings_of(case: Case, frame: ModelFrame, source: Source, text: str) -> tuple[Plain, dict[str, Any], str]:
    """The description, the table of each reading that is to be proved, and why the matrices are one of them.

    A model of the file's own columns has the readings decimal and double; where columns are computed their decimals are
    proved too, and the doubles that were computed are those of `matrices`.
    """
    design = design_of(case)
    try:
        if not text:
            raise Undescribed("the file is no text")
        texts = texts_of(text, source, frame)
        model = described(frame, design, texts, source.form, case.weights, case.offset)
        tables = {reading: tabulate(model, reading, text) for reading in ("decimal", "double")}
        check_same(tables["double"], design)
    except (Undescribed, Refused) as reason:
        return {}, {"matrices": None}, str(reason)
    if model["expressions"] or any(score["norm"] != 1 for score in model["scores"].values()):
        return model, {"decimal": tables["decimal"], "matrices": None}, "some columns are computed in doubles"
    if tables["decimal"] == tables["double"]:
        # Every number of the file is a double.
        return model, {"double": tables["double"]}, ""
    return model, tables, ""


def texts_of(text: str, source: Source, frame: ModelFrame) -> Mapping[str, np.ndarray[Any, Any]]:
    """Of each column of the file what stands in the rows of a model frame."""
    header, lines = lines_of(text, source.form)
    if len(set(header)) < len(header) or (len(frame.rows) and frame.rows.max() >= len(lines)):
        raise Undescribed("the file has a column twice, or other rows than were read")
    kept = [lines[i] for i in frame.rows.tolist()]
    return {name: np.array(values, dtype=object) for name, values in zip(header, zip(*kept, strict=True), strict=True)}


def check_same(table: Table, design: Design) -> None:
    """Hold what the kernel reads against the design: y, X, Z and the levels.

    Raises
    ------
    Undescribed
        They differ; one line that says where.
    """
    if len(table.levels) != len(design.y):
        raise Undescribed(f"the kernel reads {len(table.levels)} rows of the file, the formula {len(design.y)}")
    named = zip((*design.coefficients, "y"), table.xy, (*design.X.T, response(design)), strict=True)
    for label, column, values in named:
        check_column(label, column, values)
    if design.weights is not None and table.weights is not None:
        check_column("weights", (*table.weights, 1), design.weights)
    for t, term in enumerate(design.terms):
        for label, column, values in zip(term.columns, table.zs[t], term.X.T, strict=True):
            check_column(f"{label} of {term.group}", column, values)
        pairs = set(zip((row[t] for row in table.levels), term.codes.tolist(), strict=True))
        if not len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs}):
            raise Undescribed(f"the levels of {term.group} are not those of the texts of the file")


def check_column(label: str, column: Column, values: np.ndarray[Any, Any]) -> None:
    """Hold one column against that of the design."""
    numbers, d, norm = column
    found = np.array([a / d if isinstance(a, int) else float(a.mid()) for a in numbers]) / np.sqrt(norm)
    if np.abs(found - values).max() > SAME * np.abs(values).max(initial=1e-300):
        raise Undescribed(f"column {label} is not what its description says")


def prepared_of(table: Table) -> Data | Blocks:
    """Cross products of a table; Unproved where the kernel cannot take them."""
    try:
        return prepared(table)
    except Refused as refusal:
        raise Unproved(f"{refusal}") from None


def proved(certificate: Plain, reading: str, data: Data | Blocks, fit: Fit) -> Proof:
    """Claim a reading, have the kernel prove it, and add the claim and its values to the certificate."""
    void = dict.fromkeys(("centre", "radius", "unique", "curvature", "duals", "starts", "tree"))
    certificate["readings"][reading] = {"kind": "exact", "level": "exact", **void, "precision": 256}
    try:
        proof = prove_of(data, certificate, reading)
    except Refused:
        proof = proved_locally(certificate, reading, data, fit)
    certificate["readings"][reading]["values"] = printed_values(proof)
    return proof


def proved_locally(certificate: Plain, reading: str, data: Data | Blocks, fit: Fit) -> Proof:
    """Prove a minimum, with the widest uniqueness that is granted."""
    T = factors(fit.design.terms, fit.optimum.theta)
    ranks = [rank_of(root, dual) for root, dual in zip(fit.optimum.roots, fit.optimum.duals, strict=True)]
    large = isinstance(data, Blocks)
    widths = FEW_WIDTHS if large else WIDTHS
    if isinstance(data, Blocks) and max(core.size for core in data.cores) > LARGE_CORE:
        widths = widths[1:]
    refusal: Exception = Refused("")
    for precision in PRECISIONS:
        try:
            claim = certificate["readings"][reading] = claimed(data, certificate["REML"], T, ranks, precision)
        except NoMinimum as reason:
            refusal = reason
            continue
        for claim["unique"] in widths:
            try:
                return prove_of(data, certificate, reading)
            except Refused as refused:
                refusal = refused
                if not str(refused).startswith("unique"):
                    break
    if isinstance(refusal, NoMinimum):
        raise Unproved(str(refusal))
    raise Unproved(f"the kernel refuses the {reading} reading: {refusal}")


def rank_of(root: np.ndarray[Any, Any], dual: float) -> int:
    """The rank of a covariance matrix, by its root and its dual, which is finite where the rank is not full."""
    if np.isinf(dual):
        return len(root)
    sizes = np.linalg.svd(root, compute_uv=False)
    return int(np.sum(sizes > ZERO * sizes.max(initial=1e-300)))


def check_criterion(proof: Proof, fit: Fit) -> None:
    """Hold the proved criterion against the solver's, which was found by another arithmetic."""
    value = float(proof.values["criterion"].mid())
    if abs(value - fit.criterion) > AGREED * (1 + abs(value)):
        raise Unproved(
            f"the criterion is {value:.10g} by the kernel, {fit.criterion:.10g} by the solver: please report"
        )


def planted(certificate: Plain, text: str, out: Path) -> Plain:
    """The certificate with a global proof of all its readings."""
    if "matrices" in certificate["readings"]:
        raise Unproved("a global proof needs columns that stand in the file, or products of them: leave --global out")
    if any(claim["kind"] == "exact" for claim in certificate["readings"].values()):
        return certificate
    try:
        return plant(certificate, text, out)
    except ValueError as refusal:
        raise Unproved(f"no global proof: {refusal}; leave --global out") from None


def verified(path: Path, data: Path) -> dict[str, Proof]:
    """Have the kernel prove a certificate again, from its file and the data.

    Raises
    ------
    Unproved
        It is no certificate, or refused; one line.
    """
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        return verify(stored, (path.parent,), {str(stored["data"]["file"]): data})
    except (ValueError, LookupError, TypeError, RecursionError):
        raise Unproved(f"{path.name} is no certificate") from None
    except Refused as refusal:
        raise Unproved(f"{path.name} is refused: {refusal}") from None


def verified_trees(path: Path, data: Path) -> dict[str, int]:
    """Prove the trees of a certificate again: the number of leaves, by reading.

    Raises
    ------
    Unproved
        It has none, or one is refused; one line.
    """
    verified(path, data)
    stored = json.loads(path.read_text(encoding="utf-8"))
    leaves = {}
    try:
        for reading, claim in stored["readings"].items():
            if claim["tree"] is not None:
                packed = content((path.parent,), claim["tree"]["file"], claim["tree"]["sha256"], unpack=False)
                text = text_of(data.read_bytes())
                leaves[reading] = prove_tree(stored, reading, text, gzip.decompress(packed).decode())
    except Refused as refusal:
        raise Unproved(f"{path.name} is refused: {refusal}") from None
    if not leaves:
        raise Unproved(f"{path.name} has no tree: it claims a local proof")
    return leaves
