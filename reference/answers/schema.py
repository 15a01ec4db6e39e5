"""The published form of an answer, made from its records: `python -m relmer.reference.answers.schema` prints it.

It is kept as `reference/answer.schema.json`: an engine in any language is judged by what it writes in this form.
"""

import json

from relmer.datasets import json_schema
from relmer.reference.answers.answer import SCHEMA, Answer


def schema_text() -> str:
    """JSON Schema of an answer, as a text."""
    return json.dumps(json_schema(Answer, SCHEMA), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    print(schema_text(), end="")
