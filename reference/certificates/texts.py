"""The CSV texts that values are certified from."""

import csv
import gzip
import io
from pathlib import Path

from relmer.datasets import DATA, load

CERTIFIED = Path(__file__).parent.parent / "certified"


def csv_path(dataset: str, root: Path = CERTIFIED) -> Path | None:
    """File with a data set's CSV text, as it is or packed; None if it is derived and not stored."""
    file = f"{dataset}.csv"
    places = (DATA / file, DATA / f"{file}.gz", root / "data" / file)
    return next((path for path in places if path.exists()), None)


def csv_text(dataset: str, root: Path = CERTIFIED) -> tuple[str, str]:
    """Name of a data set's CSV file, and its text, which is derived if it is not stored.

    Returns
    -------
    tuple
        The file's name without `.gz`, and the text, uncompressed.
    """
    path = csv_path(dataset, root)
    if path is None:
        text = derived_csv(dataset)
    elif path.suffix == ".gz":
        text = gzip.decompress(path.read_bytes()).decode("utf-8")
    else:
        text = path.read_text(encoding="utf-8")
    return f"{dataset}.csv", text


def derived_csv(dataset: str) -> str:
    """Data set as CSV: numbers as their shortest decimals, text as it is, nothing where a value is missing.

    Examples
    --------
    >>> derived_csv("sleepstudy_three").splitlines()[1]
    '222.7339,0.0,309'
    """
    frame = load(dataset).frame
    values = frame.astype(object).where(frame.notna(), "")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(frame.columns)
    writer.writerows(values.itertuples(index=False, name=None))
    return text.getvalue()
