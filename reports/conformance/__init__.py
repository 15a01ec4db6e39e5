"""The conformance kit: an engine of somebody else's, checked in their own repository by pytest.

`pytest --pyargs relmer.conformance --relmer-engine mypkg.adapter:Engine` runs every check on every case; each of
`checks` can be called alone.
"""

from relmer.conformance import checks
from relmer.conformance.session import ConformanceError, start

__all__ = ["ConformanceError", "checks", "start"]
