"""The proved optimum of one's own model, out of Python."""

import tempfile
import warnings
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd

from relmer.datasets import Case, DataError, load, write_whole
from relmer.reports.certified import shown_values, told_of
from relmer.reports.own import own_models
from relmer.reports.python.asked import advised, arguments_of, as_keywords, frame_or_path, reading_of, reml_of
from relmer.reports.text import indented, one_line
from relmer.solver.fits import html_table, html_text

CSV = "frame.certified.csv"
# Bytes of a line in a notebook, and lines of the description: a certificate may have a thousand columns.
MOST_SENTENCE, MOST_LINES = 800, 40


@dataclass(frozen=True, repr=False)
class Certified:
    """A certificate of one's own model.

    Attributes
    ----------
    certificate
        What it holds, as its file does: `readings` have the values as decimals with proved radii.
    told
        The same in lines.
    path
        Its file; None if none was asked for.
    """

    certificate: Mapping[str, Any]
    told: tuple[str, ...]
    path: Path | None

    def __repr__(self) -> str:
        """What was proved, of which description, and the values."""
        left = [f"and {len(self.told) - MOST_LINES} more lines"] if len(self.told) > MOST_LINES else []
        return "\n".join(map(indented, [*self.told[:MOST_LINES], *left]))

    def _repr_html_(self) -> str:
        """The same, with the values and their radii as a table."""
        reading, values = shown_values(dict(self.certificate))
        proved = self.certificate["readings"][reading]["values"]
        rows = [(key, value, f"{float(proved[key]['radius']):.1e}") for key, value in values.items()]
        lines = [line for line in self.told if line.strip().split(" = ")[0] not in values]
        head, *others = (html_text(line, MOST_SENTENCE) for line in lines[:MOST_LINES])
        listed = "".join(f"<li>{line}</li>" for line in others)
        return f"<p><strong>{head}</strong></p><ul>{listed}</ul>{html_table(('value', 'proved', 'radius'), rows)}"


def certify(
    data: pd.DataFrame | str | Path,
    formula: str,
    *,
    REML: bool = True,
    weights: Any = None,
    offset: Any = None,
    subset: Any = None,
    contrasts: Mapping[str, str] | None = None,
    levels: Mapping[str, Sequence[str]] | None = None,
    na_action: str | None = None,
    checks: Mapping[str, str] | None = None,
    sep: str = ",",
    decimal: str = ".",
    na: Sequence[str] = (),
    types: str | Path | Mapping[str, Any] | None = None,
    prove_global: bool = False,
    out: str | Path | None = None,
) -> Certified:
    """Prove the optimum of one's own model in ball arithmetic, as `relmer certify --data` does.

    Parameters
    ----------
    data, formula, REML, weights, offset, subset, contrasts, levels, na_action, checks, sep, decimal, na, types
        As `judge` takes them. A frame is proved as a CSV file of the columns that the model uses, every double as its
        shortest decimal.
    prove_global
        Prove too that no other covariances have a lower criterion; for at most three variance parameters.
    out
        A folder that the certificate is written into, with the CSV file of a frame: all that a proof needs again.

    Raises
    ------
    DataError, ModelError
        Data or formula cannot be read, or python-flint is missing; one line.
    Unproved
        There is no minimum that can be proved; a ValueError of one line.

    Examples
    --------
    >>> frame = pd.DataFrame({"y": [1.0, 2.0, 4.0, 5.0, 9.0, 8.0], "g": list("aabbcc")})
    >>> found = certify(frame, "y ~ 1 + (1 | g)")
    >>> reading = found.certificate["readings"]["double"]
    >>> reading["level"], reading["values"]["sigma2"]["value"]
    ('exact', '0.5')
    """
    if find_spec("flint") is None:
        raise DataError("relmer.certify needs python-flint: pip install 'relmer[certify]'")
    from relmer.reference.ondemand import Source  # noqa: PLC0415 python-flint is an extra
    from relmer.reference.ondemand import certify as made_of  # noqa: PLC0415

    fields = {
        "weights": weights,
        "offset": offset,
        "subset": subset,
        "contrasts": contrasts,
        "levels": levels,
        "na_action": na_action,
        "checks": checks,
    }
    notes = list[str]()
    with ExitStack() as kept, advised():
        own, arguments = arguments_of(frame_or_path(data), (formula,), fields)
        form = reading_of(own, sep, decimal, na, types)
        (case,) = kept.enter_context(own_models(own, (formula,), reml_of(REML), arguments, form, notes.extend))
        for note in dict.fromkeys(map(as_keywords, notes)):
            warnings.warn(one_line(note), stacklevel=2)
        folder = kept.enter_context(tempfile.TemporaryDirectory(prefix="relmer-certificate-"))
        place = Path(folder) if out is None else Path(out)
        file = own if isinstance(own, Path) else csv_of(case, place)
        source = Source(file, **{name: value for name, value in form.items() if name != "types"})
        name = f"{file.name.partition('.')[0]}.{'reml' if case.reml else 'ml'}"
        made = made_of(case, source, name, place, prove_global, lambda line: None)
        told = tuple(told_of(made.certificate, made.why_matrices))
        return Certified(certificate=made.certificate, told=told, path=None if out is None else made.path)


def csv_of(case: Case, folder: Path) -> Path:
    """The columns of a frame as a CSV file, every double as its shortest decimal."""
    write_whole(folder, {CSV: load(case.dataset).frame.to_csv(index=False, lineterminator="\n")})
    return folder / CSV
