"""What ``az`` says, without an Azure CLI, to the commands around ``az ml`` in old scripts.

Signing in, choosing a subscription and installing the extension are not needed here; a script that does so
shall run on. Whatever would have an effect elsewhere fails and says so.
"""

import getpass
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from azureml._az import defaults
from azureml._az.main import OUR_EXTENSION

NOT_HERE, WRONG_USAGE, DONE = 127, 2, 0

HELP = """\
This az is Moorage's: it answers az ml (see az ml --help), and passes everything else to the Azure CLI where
that is installed. Without it, login, account, extension, configure and config are accepted, because nothing
of that is needed here. Remove it with: moor install-az-shim --uninstall"""


class Misused(Exception):
    """The command line cannot be understood."""


@dataclass(frozen=True)
class Said:
    """``value`` is for standard output, ``note`` for standard error."""

    value: Any = None
    note: str = ""
    code: int = DONE


def answer(words: Sequence[str]) -> int:
    """Print the answer and return the exit code."""
    if not words or words[0] in {"-h", "--help", "help"}:
        print(HELP)
        return DONE
    if words[0] in {"--version", "-v"}:
        words = ["version"]
    commands = [word for word in words[:2] if not word.startswith("-")]
    reply = REPLIES.get(" ".join(commands)) or REPLIES.get(commands[0] if commands else "")
    try:
        if reply is None:
            raise LookupError
        said = reply(words[len(commands) :])
        _print(said, words)
        return said.code
    except LookupError:
        print(
            f"az: {' '.join(commands) or words[0]!r} is a matter of the Azure CLI, and none is on PATH "
            "behind this az, which is Moorage's and answers az ml. Install the Azure CLI if you need it.",
            file=sys.stderr,
        )
        return NOT_HERE
    except Misused as error:
        print(f"az: {error}", file=sys.stderr)
        return WRONG_USAGE
    except OSError as error:
        print(f"az: {error.filename or 'the settings'} cannot be written: {error.strerror}", file=sys.stderr)
        return 1


def _print(said: Said, words: Sequence[str]) -> None:
    from moorage.cli.output import FORMATS, UnusableQuery, print_answer

    if said.note and "--only-show-errors" not in words:
        print(said.note, file=sys.stderr)
    form = (_value(words, "--output", "-o") or defaults.setting("core", "output") or "json").lower()
    if form not in FORMATS:
        raise Misused(f"{form!r} is none of {', '.join(FORMATS)}")
    try:
        print_answer(said.value, form, _value(words, "--query"))
    except UnusableQuery as error:
        raise Misused(str(error)) from error


def _value(words: Sequence[str], *names: str) -> str | None:
    """Return the value of an option written ``--name value``, ``--name=value`` or ``-nvalue``."""
    for position, word in enumerate(words):
        if word in names:
            return words[position + 1] if position + 1 < len(words) else None
        for name in names:
            if name.startswith("--") and word.startswith(f"{name}="):
                return word.partition("=")[2]
            if not name.startswith("--") and word.startswith(name) and not word.startswith("--"):
                return word[len(name) :]
    return None


def _values(words: Sequence[str], *names: str) -> list[str] | None:
    """Return all words behind an option up to the next one; None if it is not there."""
    for position, word in enumerate(words):
        if word in names:
            rest = words[position + 1 :]
            end = next((index for index, one in enumerate(rest) if one.startswith("-")), len(rest))
            return list(rest[:end])
    return None


def _account() -> dict[str, Any]:
    return {
        "environmentName": "Moorage",
        "id": "local",
        "isDefault": True,
        "name": "local",
        "state": "Enabled",
        "tenantId": "local",
        "user": {"name": _user(), "type": "user"},
    }


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container without a name for its user
        return "local"


def _login(words: Sequence[str]) -> Said:
    return Said([_account()], "Nothing is needed: Moorage works on this machine and signs in nowhere.")


def _logout(words: Sequence[str]) -> Said:
    return Said(note="Nothing is needed: nobody is signed in anywhere.")


def _account_show(words: Sequence[str]) -> Said:
    return Said(_account())


def _account_list(words: Sequence[str]) -> Said:
    return Said([_account()])


def _account_set(words: Sequence[str]) -> Said:
    return Said(note="Nothing is needed: Moorage has no subscriptions; a workspace is chosen with -w.")


def _cloud_set(words: Sequence[str]) -> Said:
    return Said(note="Nothing is needed: no cloud is asked for anything.")


def _group_create(words: Sequence[str]) -> Said:
    name = _value(words, "--name", "-n", "--resource-group", "-g")
    if not name:
        raise Misused("group create: say how it shall be called (--name)")
    group = {
        "id": f"/subscriptions/local/resourceGroups/{name}",
        "location": _value(words, "--location", "-l") or "local",
        "name": name,
        "properties": {"provisioningState": "Succeeded"},
    }
    return Said(group, "Nothing is needed: a group is a label of a workspace here.")


def _extension() -> dict[str, Any]:
    from moorage_runtime.version import __version__

    return {
        "experimental": False,
        "extensionType": "moorage",
        "name": OUR_EXTENSION,
        "path": None,
        "preview": False,
        "version": __version__,
    }


def _extension_add(words: Sequence[str]) -> Said:
    return Said(note=f"Nothing is needed: {_extension_name(words)} is answered by Moorage as az ml.")


def _extension_show(words: Sequence[str]) -> Said:
    _extension_name(words)
    return Said(_extension())


def _extension_list(words: Sequence[str]) -> Said:
    return Said([_extension()])


def _extension_remove(words: Sequence[str]) -> Said:
    _extension_name(words)
    return Said(
        note="Nothing is removed: az ml is Moorage's here. moor install-az-shim --uninstall removes this az."
    )


def _extension_name(words: Sequence[str]) -> str:
    """Return the name of the extension that is meant.

    Raises:
        LookupError: it is one that we do not stand in for.
    """
    name = _value(words, "--name", "-n") or OUR_EXTENSION
    if name != OUR_EXTENSION:
        raise LookupError(name)
    return name


def _configure(words: Sequence[str]) -> Said:
    is_local = (_value(words, "--scope") or "") == "local"
    pairs = _values(words, "--defaults", "-d")
    if pairs:
        given = _pairs(pairs)
        file = defaults.write("defaults", given, is_local=is_local)
        kept = [name for name, value in given.items() if value]
        gone = [name for name, value in given.items() if not value]
        parts = [f"Remembered in {file}: {', '.join(kept)}."] if kept else []
        parts += [f"Forgotten: {', '.join(gone)}."] if gone else []
        return Said(note=" ".join(parts) + _group_note(given))
    if "--list-defaults" in words or "-l" in words:
        found = defaults.all_defaults()
        return Said([{"name": name, "source": "config", "value": value} for name, value in found.items()])
    raise Misused("configure takes --defaults workspace=NAME group=NAME, or --list-defaults")


def _config_set(words: Sequence[str]) -> Said:
    for name, value in _pairs([word for word in words if not word.startswith("-")]).items():
        section, _, key = name.partition(".")
        if not key or section == "default":  # configparser keeps that section for itself
            raise Misused(f"{name!r} is not written section.key=value")
        defaults.write(section, {key: value}, is_local="--local" in words)
    return Said()


def _config_get(words: Sequence[str]) -> Said:
    name = next((word for word in words if not word.startswith("-")), "")
    section, _, key = name.partition(".")
    value = defaults.setting(section, key) if key else None
    if value is None:
        raise Misused(f"{name or 'a key, such as defaults.workspace,'} is not set")
    return Said({"name": key, "source": "config", "value": value})


def _pairs(texts: Sequence[str]) -> dict[str, str]:
    pairs = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if (
            not equals
            or not key.replace("_", "").replace("-", "").replace(".", "").isalnum()
            or "\n" in value
        ):
            raise Misused(f"{text!r} is not written key=value")
        pairs[key.lower()] = value
    return pairs


def _group_note(given: dict[str, str]) -> str:
    return " A group is a label here and chooses nothing." if defaults.GROUP in given else ""


def _version(words: Sequence[str]) -> Said:
    extension = _extension()
    return Said({"extensions": {OUR_EXTENSION: extension["version"]}, "moorage": extension["version"]})


REPLIES: dict[str, Callable[[Sequence[str]], Said]] = {
    "account clear": _logout,
    "account list": _account_list,
    "account set": _account_set,
    "account show": _account_show,
    "cloud set": _cloud_set,
    "config get": _config_get,
    "config set": _config_set,
    "configure": _configure,
    "extension add": _extension_add,
    "extension list": _extension_list,
    "extension remove": _extension_remove,
    "extension show": _extension_show,
    "extension update": _extension_add,
    "group create": _group_create,
    "login": _login,
    "logout": _logout,
    "version": _version,
}
