"""Answers as text: JSON, YAML, tables, tab-separated values, or a part of them chosen with JMESPath."""

import json
import os
import sys
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

FORMATS = ("json", "jsonc", "table", "tsv", "yaml", "yamlc", "none")

Table = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Maps one object of an answer to the columns of its row."""


class UnusableQuery(Exception):
    """The JMESPath expression of ``--query`` cannot be understood or applied."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that is more than a value.

    ``text`` is how it looks as a table; with ``is_text`` it is text by nature, such as a log or the body of
    a response, and printed as it is unless a part of it is asked for.
    """

    value: Any
    text: str | None = None
    is_text: bool = False
    exit_code: int = 0


def print_answer(answer: Any, form: str, query: str | None = None, table: Table | None = None) -> None:
    """Print an answer (JSON-like values) to standard output; None prints nothing.

    Raises:
        UnusableQuery: see there.
    """
    if isinstance(answer, Answer):
        as_it_is = answer.text is not None and (answer.is_text or form == "table")
        if as_it_is and query is None and form != "none":
            _write(answer.text or "")
            return
        answer = _parsed(answer.text or "") if answer.is_text else answer.value
    if query is not None:
        answer, table = _search(answer, query), None
    if answer is not None and form != "none":
        _write(render(answer, form, table))


def render(answer: Any, form: str, table: Table | None = None) -> str:
    """Return the answer in one of `FORMATS`, colours only where a terminal shows it."""
    if form == "table":
        return _table(answer, table)
    if form == "tsv":
        return "\n".join("\t".join(row) for row in _tsv_rows(answer))
    if form in {"yaml", "yamlc"}:
        import yaml

        return str(yaml.safe_dump(answer, sort_keys=False, allow_unicode=True))
    text = json.dumps(answer, indent=2, ensure_ascii=False)
    return _coloured(text) if form == "jsonc" else text


def _write(text: str) -> None:
    sys.stdout.write(text if text.endswith("\n") or not text else f"{text}\n")
    sys.stdout.flush()


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _search(answer: Any, query: str) -> Any:
    import jmespath
    from jmespath.exceptions import JMESPathError

    try:
        return jmespath.search(query, answer)
    except JMESPathError as error:
        raise UnusableQuery(f"--query {query!r} cannot be used: {error}") from error


def _coloured(text: str) -> str:
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return text
    from rich.console import Console
    from rich.json import JSON

    console = Console()
    with console.capture() as captured:
        console.print(JSON(text), soft_wrap=True)
    return captured.get()


def _table(answer: Any, table: Table | None) -> str:
    rows = answer if isinstance(answer, Sequence) and not isinstance(answer, str) else [answer]
    if not rows:
        return ""
    if not all(isinstance(row, Mapping) for row in rows):
        rows = [{"Result": row} for row in rows]
    elif table is not None:
        rows = [table(row) for row in rows]
    else:
        rows = [{_title(key): row[key] for key in row if _is_plain(row[key])} for row in rows]
    return _drawn(rows)


def _drawn(rows: Sequence[Mapping[str, Any]]) -> str:
    from rich import box
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text as RichText

    titles = list(dict.fromkeys(title for row in rows for title in row))
    is_terminal = sys.stdout.isatty()
    # A terminal wraps long cells; a file or pipe gets each row on one line.
    console = Console(width=None if is_terminal else 100_000)
    style = "" if os.environ.get("NO_COLOR") else "bold"
    drawn = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style=style)
    for title in titles:
        drawn.add_column(title, overflow="fold", no_wrap=not is_terminal)
    for row in rows:
        drawn.add_row(*(RichText(_cell(row.get(title))) for title in titles))
    with console.capture() as captured:
        console.print(drawn)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def _tsv_rows(answer: Any) -> list[list[str]]:
    rows = answer if isinstance(answer, Sequence) and not isinstance(answer, str) else [answer]
    result = []
    for row in rows:
        if isinstance(row, Mapping):
            cells = list(row.values())
        elif isinstance(row, Sequence) and not isinstance(row, str):
            cells = list(row)
        else:
            cells = [row]
        result.append([_cell(cell).replace("\t", " ").replace("\n", " ") for cell in cells])
    return result


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return printable(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def printable(text: str) -> str:
    """Return the text with control characters written out: a tag must not steer the terminal showing it."""
    return "".join(
        character
        if character in "\n\t" or unicodedata.category(character) not in {"Cc", "Cf"}
        else _code(character)
        for character in text
    )


def _code(character: str) -> str:
    return f"\\x{ord(character):02x}" if ord(character) < 256 else f"\\u{ord(character):04x}"


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, (str, int, float, bool))


def _title(key: str) -> str:
    return key[:1].upper() + key[1:]
