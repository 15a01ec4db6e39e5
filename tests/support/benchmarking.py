"""The benchmark's modules for tests: they are scripts of tests/bench, which import each other by plain names."""

import importlib
import sys
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "bench"
sys.path.append(str(FOLDER))

bench, inference, page, picture, results, store = map(
    importlib.import_module, ("bench", "inference", "page", "picture", "results", "store")
)
