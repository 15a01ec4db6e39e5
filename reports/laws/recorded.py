"""What was found of the laws, as the report keeps it: the table's cells by engine, with what was asked and when."""

import json
from collections.abc import Mapping, Sequence

from relmer.reports.laws.asking import Outcome
from relmer.reports.laws.law import Law
from relmer.reports.laws.page import cell


def written_record(
    laws: Sequence[Law], versions: Mapping[str, str], outcomes: Sequence[Outcome], command: str, date: str
) -> str:
    """The record, as JSON: what each law says, and each engine's version and cells, told as the page tells them.

    Examples
    --------
    >>> found = [Outcome(law="rows", engine="e", case="c", rows=9, excess=2.0, broken="stops above")]
    >>> record = json.loads(written_record([], {"e": "1.0"}, found, "relmer laws", "2026-11-26"))
    >>> record["cases"], record["engines"]
    (['c'], {'e': {'version': '1.0', 'cells': {}}})
    """
    engines = {
        name: {
            "version": version,
            "cells": {law.name: cell([o for o in outcomes if (o.law, o.engine) == (law.name, name)]) for law in laws},
        }
        for name, version in versions.items()
    }
    record = {
        "command": command,
        "date": date,
        "cases": list(dict.fromkeys(o.case for o in outcomes)),
        "laws": {law.name: law.says for law in laws},
        "engines": engines,
    }
    return json.dumps(record, indent=1, ensure_ascii=False) + "\n"
