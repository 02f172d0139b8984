"""Configuration files as text: JSON or YAML, and the line of every key for messages."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from moorage.errors import InvalidConfiguration

# Aliases in a few lines of YAML can describe more objects than fit in memory; no honest file is this large.
MAX_BYTES = 1024 * 1024

KeyPath = tuple[str | int, ...]


class Document:
    """The object in a file, and where its keys are."""

    def __init__(self, path: Path, value: dict[str, Any], lines: dict[KeyPath, int]) -> None:
        self.path = path
        self.value = value
        self._lines = lines

    def where(self, key: Sequence[str | int] = ()) -> str:
        """Return ``file, line 3: environment.python`` for messages; the nearest known line."""
        known = tuple(key)
        while known and known not in self._lines:
            known = known[:-1]
        line = f", line {self._lines[known]}" if known else ""
        name = ".".join(str(part) for part in key)
        return f"{self.path}{line}: {name}" if name else f"{self.path}{line}"


def read_document(path: Path) -> Document:
    """Read a JSON or YAML file that holds an object.

    Raises:
        InvalidConfiguration: missing, too large, neither JSON nor YAML, or no object; with file and line.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        text = content.decode("utf-8-sig")
    except FileNotFoundError:
        raise InvalidConfiguration(f"the configuration file {path} does not exist") from None
    except UnicodeDecodeError:
        raise InvalidConfiguration(f"{path} is not UTF-8 text") from None
    except OSError as error:
        raise InvalidConfiguration(f"{path} cannot be read: {error.strerror}") from error
    if len(content) > MAX_BYTES:
        raise InvalidConfiguration(f"{path} is larger than {MAX_BYTES} bytes; this is no configuration file")
    value = _parse(path, text)
    if not isinstance(value, dict):
        raise InvalidConfiguration(f"{path} must hold an object with keys such as computeType")
    return Document(path, value, _lines(text))


def _parse(path: Path, text: str) -> Any:
    if path.suffix.lower() == ".json" or text.lstrip().startswith("{"):
        try:
            return json.loads(text, object_pairs_hook=_unique_keys)
        except json.JSONDecodeError as error:
            raise InvalidConfiguration(
                f"{path}, line {error.lineno}, column {error.colno}: not JSON: {error.msg}"
            ) from error
        except _DuplicateKey as error:
            raise InvalidConfiguration(f"{path}: the key {error} is there twice") from error
        except RecursionError as error:
            raise InvalidConfiguration(f"{path} is nested too deeply") from error
    try:
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text)):
            raise InvalidConfiguration(f"{path}: YAML aliases (*name) are not supported here")
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise InvalidConfiguration(
            f"{path}{line}: not YAML: {getattr(error, 'problem', None) or error}"
        ) from error
    except (RecursionError, ValueError) as error:
        raise InvalidConfiguration(f"{path}: not YAML: {error}") from error


class _DuplicateKey(ValueError):
    pass


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise _DuplicateKey(repr(next(name for name in names if names.count(name) > 1)))
    return found


def _lines(text: str) -> dict[KeyPath, int]:
    """Return the line (from 1) of every key. JSON is read as YAML for this, which knows positions."""
    try:
        # A tab between tokens is fine in JSON but not here; inside a JSON text it cannot be.
        root = yaml.compose(text.replace("\t", " "), Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError, ValueError):
        return {}
    lines: dict[KeyPath, int] = {}

    def visit(node: Any, path: KeyPath) -> None:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                inner = (*path, key.value)
                lines[inner] = key.start_mark.line + 1
                visit(value, inner)
        elif isinstance(node, yaml.SequenceNode):
            for index, value in enumerate(node.value):
                inner = (*path, index)
                lines[inner] = value.start_mark.line + 1
                visit(value, inner)

    visit(root, ())
    return lines
