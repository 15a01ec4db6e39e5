"""The program of the child process that speaks with R as a plain process: requests in, lines to R and back out."""

import json
import sys

from relmer.reference.engines import serve
from relmer.reference.engines.r.lme4_child import SOURCE, answer
from relmer.reference.engines.r.spoken_r import SpokenR

if __name__ == "__main__":
    settings = json.loads(sys.argv[1])
    spoken = SpokenR(source=SOURCE.read_text(encoding="utf-8"), **settings)
    serve(lambda request: answer(request, lambda: (spoken, spoken.call)))
