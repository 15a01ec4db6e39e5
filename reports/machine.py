"""The machine on which a run is made."""

import locale
import os
import platform
import re
import time
from importlib.metadata import PackageNotFoundError, requires
from importlib.metadata import version as version_of
from pathlib import Path

from threadpoolctl import threadpool_info

LOCALE = ("LC_ALL", "LC_COLLATE", "LC_NUMERIC", "LANG")


def machine() -> dict[str, str]:
    """What a repeat would need to know of this machine: numbers are the same to the last bit per BLAS kernel only."""
    libraries = [found for found in threadpool_info() if found["user_api"] == "blas"]

    def told(*keys: str) -> str:
        named = {" ".join(str(found[key]) for key in keys if found.get(key)) for found in libraries}
        return ", ".join(sorted(named - {""})) or "unknown"

    packages = ("numpy", "scipy", "pandas")
    return {
        "Python": platform.python_version(),
        **{name: version_of(name) for name in packages},
        "other packages": ", ".join(f"{name} {found}" for name, found in others(packages)),
        "platform": f"{platform.system()} {platform.machine()}",
        "CPU": processor(),
        "CPUs": str(os.cpu_count() or "unknown"),
        "locale": ", ".join(f"{name}={os.environ[name]}" for name in LOCALE if os.environ.get(name))
        or locale.setlocale(locale.LC_CTYPE),
        "time zone": "/".join(dict.fromkeys(time.tzname)),
        "BLAS": told("internal_api", "version"),
        "BLAS kernel": told("architecture"),
        "BLAS libraries": ", ".join(sorted({Path(found["filepath"]).name for found in libraries})) or "unknown",
        "BLAS threads": "1 while fitting",
    }


def others(known: tuple[str, ...]) -> list[tuple[str, str]]:
    """Packages that relmer may use, beside the known ones, with their versions, as far as they are installed."""
    used = (text for text in requires("relmer") or () if 'extra == "dev"' not in text)
    asked = {re.split(r"[^A-Za-z0-9._-]", text, maxsplit=1)[0] for text in used}
    found = []
    for name in sorted(asked - {*known}):
        try:
            found.append((name, version_of(name)))
        except PackageNotFoundError:
            continue
    return found


def processor() -> str:
    """The processor's name, as the system tells it."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    named = re.search(r"^model name\s*:\s*(.+)$", text, flags=re.MULTILINE)
    return named[1].strip() if named else platform.processor() or platform.machine() or "unknown"
