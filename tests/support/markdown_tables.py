"""The tables of a Markdown text, as a reader sees them."""

from markdown_it import MarkdownIt
from markdown_it.token import Token


def tables(text: str) -> list[tuple[str, list[list[str]]]]:
    """The cells of every table, as a reader sees them, and the heading that each stands under."""
    found, heading, row, after_heading = [], "", None, False
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        if token.type == "table_open":
            found.append((heading, []))
        elif token.type == "tr_open":
            row = []
            found[-1][1].append(row)
        elif token.type == "tr_close":
            row = None
        elif token.type == "inline" and row is not None:
            row.append(shown(token))
        elif token.type == "inline" and after_heading:
            heading = shown(token)
        after_heading = token.type == "heading_open"
    return found


def shown(token: Token) -> str:
    """Text of an inline token."""
    return "".join(child.content for child in token.children)
