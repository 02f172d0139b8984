"""What ``az configure --defaults`` remembers, in the files and variables of the Azure CLI.

They are read and, where no Azure CLI does it, written. Rule: Azure CLI documentation, "Azure CLI
configuration": a variable ``AZURE_SECTION_KEY`` is stronger than a file, ``.azure/config`` of the project
stronger than that of the user.
"""

import configparser
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

WORKSPACE_KEYS = ("workspace", "workspace_name")
GROUP = "group"


def setting(section: str, *keys: str) -> str | None:
    """Return the first of the keys that is set somewhere and not empty."""
    for key in keys:
        value = os.environ.get(f"AZURE_{section}_{key}".upper())
        if value:
            return value
    for file in _files():
        values = _read(file)
        for key in keys:
            value = values.get(section, key, fallback="")
            if value:
                return value
    return None


def all_defaults() -> dict[str, str]:
    """Return the whole section ``defaults`` of the files."""
    found: dict[str, str] = {}
    for file in reversed(list(_files())):
        values = _read(file)
        if values.has_section("defaults"):
            found.update(values.items("defaults"))
    return {key: value for key, value in found.items() if value}


def write(section: str, values: Mapping[str, str], *, is_local: bool = False) -> Path:
    """Set keys of a section; an empty value removes its key. Returns the file.

    Raises:
        OSError: the file cannot be written.
    """
    file = Path.cwd() / ".azure" / "config" if is_local else _user_file()
    parser = _read(file)
    if not parser.has_section(section):
        parser.add_section(section)
    for key, value in values.items():
        if value:
            parser.set(section, key, value)
        else:
            parser.remove_option(section, key)
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    aside = file.with_name(".config.moorage")
    with aside.open("w", encoding="utf-8") as stream:
        parser.write(stream)
    aside.replace(file)
    return file


def _user_file() -> Path:
    return Path(os.environ.get("AZURE_CONFIG_DIR") or "~/.azure").expanduser() / "config"


def _files() -> Iterator[Path]:
    """Name the files that there are, the strongest first."""
    here = Path.cwd()
    user = _user_file()
    for folder in (here, *here.parents):
        file = folder / ".azure" / "config"
        if file.is_file() and file != user:
            yield file
            break
    if user.is_file():
        yield user


def _read(file: Path) -> configparser.ConfigParser:
    # Values may hold a percent sign.
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(file, encoding="utf-8")
    except (configparser.Error, OSError, UnicodeDecodeError):
        return configparser.ConfigParser(interpolation=None)  # some other program's file
    return parser
