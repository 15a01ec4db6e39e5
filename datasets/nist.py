"""NIST's one-way layouts (StRD, analysis of variance), out of the files that SciPy's wheel carries.

    python -m relmer.datasets.nist OUTDIR

writes a CSV and a JSON metadata file for each, the response with the digits that NIST recorded.
"""

import gzip
import hashlib
import json
import sys
from importlib.resources import files
from pathlib import Path

LAYOUTS = ("AtmWtAg", "SiRstv", *(f"SmLs0{number}" for number in range(1, 10)))
GZIP_ABOVE = 200_000  # bytes of CSV text, as in export.R
HEADER = "Data:"


def layout(name: str) -> list[list[str]]:
    """Read one layout: a row of column names, then a treatment and its response in each row, as text.

    Examples
    --------
    >>> layout("SiRstv")[:2]
    [['Instrument', 'Resistance'], ['1', '196.3052']]
    """
    text = files("scipy.stats.tests").joinpath(f"data/nist_anova/{name}.dat").read_text(encoding="ascii")
    rows = [line.split() for line in text.splitlines()]
    # "Data:" stands above the design too, which it does not head with two names.
    start = max(number for number, row in enumerate(rows) if row[:1] == [HEADER])
    return [rows[start][1:], *(row for row in rows[start + 1 :] if row)]


def write(name: str, folder: Path) -> None:
    """Write one layout into a folder, with its metadata."""
    (factor, response), *rows = layout(name)
    text = "".join(f"{treatment},{value}\n" for treatment, value in [(factor, response), *rows]).encode()
    file = f"{name}.csv.gz" if len(text) > GZIP_ABOVE else f"{name}.csv"
    levels = list(dict.fromkeys(treatment for treatment, _ in rows))
    columns = [
        {"name": factor, "type": "factor", "levels": levels, "unit": None},
        {"name": response, "type": "numeric", "levels": [], "unit": None},
    ]
    meta = {
        "name": name,
        "title": f"NIST's one-way layout of {len(levels)} {factor.lower()}s with {len(rows) // len(levels)} rows each",
        "source": f"NIST Statistical Reference Datasets, analysis of variance, {name}.dat, as SciPy carries it",
        "licence": "public domain",
        "script": "nist.py",
        "rows": len(rows),
        "file": file,
        "sha256": hashlib.sha256(text).hexdigest(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / file).write_bytes(gzip.compress(text, 9, mtime=0) if file.endswith(".gz") else text)
    lines = [f'"{key}": {json.dumps(value)}' for key, value in meta.items()]
    table = ",\n".join(f"    {json.dumps(column, separators=(',', ':'))}" for column in columns)
    lines.append(f'"columns": [\n{table}\n  ]')
    (folder / f"{name}.json").write_text("{\n" + ",\n".join(f"  {line}" for line in lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m relmer.datasets.nist OUTDIR")
    for each in LAYOUTS:
        write(each, Path(sys.argv[1]))
