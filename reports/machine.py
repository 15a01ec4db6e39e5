"""The machine on which a run is made."""

import platform
from importlib.metadata import version as version_of
from pathlib import Path

from threadpoolctl import threadpool_info


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
        "platform": f"{platform.system()} {platform.machine()}",
        "BLAS": told("internal_api", "version"),
        "BLAS kernel": told("architecture"),
        "BLAS libraries": ", ".join(sorted({Path(found["filepath"]).name for found in libraries})) or "unknown",
        "BLAS threads": "1 while fitting",
    }
