"""Command lines in any text: ``az ml ...`` in scripts, pipelines, cells and strings, and their verdicts.

Nothing is executed or expanded. A word with a variable in it stands for itself.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from moorage.migration import differences, packages, tables
from moorage.migration.findings import Judgement, Verdict

__all__ = ["Command", "find_commands", "judge"]

_HEAD = re.compile(
    r"(?<![\w./\\$-])(?:az(?:\.cmd|\.exe)?(?=\s+(?:ml|extension|configure)\b)"
    r"|pip[\d.]*(?=\s+install\b)|conda(?=\s+install\b))"
)
_ALIAS = re.compile(r"(?:\balias\s+([\w-]+)|^\s*(?:export\s+)?(\w+))=([\"'])az ml\3", re.MULTILINE)
_IS_COMMENT = re.compile(r"(?:^|\s)#|^\s*(?:REM\b|::|//)", re.IGNORECASE)
_IS_SAID = re.compile(r"\b(?:echo|printf|Write-Host|Write-Output)\b(?![^;|&]*(?:\$\(|`))[^;|&]*$")
_IS_ALIAS = re.compile(r"(?:\balias\s+|=[\"'])$")
_CONTINUED = re.compile(r"[\\`^][ \t]*\r?\n")
_ENDS = frozenset("\n;|&)<>")
MOST_WORDS = 400


@dataclass(frozen=True, slots=True)
class Command:
    """``words`` without quotes; ``line`` (from 0) is where it begins, ``code`` as it stands there."""

    line: int
    words: tuple[str, ...]
    code: str


def find_commands(text: str) -> Iterator[Command]:
    """Yield the command lines that have to do with the old command line or SDK."""
    aliases = {name or variable: ("az", "ml") for name, variable, _ in _ALIAS.findall(text)}
    heads = _HEAD.pattern
    if aliases:
        names = "|".join(re.escape(name) for name in aliases)
        heads += rf"|(?<![\w./\\-])(?:\$\{{?)?(?:{names})\b\}}?(?!=)(?=\s+[a-z])"
    for match in re.finditer(heads, text):
        begin = text.rfind("\n", 0, match.start()) + 1
        before = text[begin : match.start()]
        if _IS_COMMENT.search(before) or _IS_SAID.search(before) or _IS_ALIAS.search(before):
            continue
        pieces = list(_words(text, match.start(), _open_quote(before)))
        words = tuple(word for word, _ in pieces)
        head = words[0].strip("${}") if words else ""
        if head in aliases:
            words = (*aliases[head], *words[1:])
        code = _CONTINUED.sub(" ", text[match.start() : pieces[-1][1]])
        yield Command(text.count("\n", 0, match.start()), words, code)


def is_variable(word: str) -> bool:
    return re.search(r"\$|%\w+%|\{", word) is not None


def judge(command: Command) -> Iterator[tuple[str, Judgement]]:
    """Yield the name of what is used with its verdict; the worst verdict counts."""
    words = command.words
    program = words[0].removesuffix(".cmd").removesuffix(".exe")
    if program != "az":
        yield from packages.judge_install(words)
    elif words[1:2] == ("extension",):
        if any("azure-cli-ml" in word for word in words):
            yield "az extension", _NOT_NEEDED
    elif words[1:2] == ("configure",):
        if any(word.startswith(("workspace=", "workspace_name=", "mlworkspace=")) for word in words):
            yield "az configure", _DEFAULTS
    else:
        yield from _judge_ml(words[2:])


_NOT_NEEDED = Judgement(Verdict.DIFFERS, "No extension is needed; leave it out, or see moor install-az-shim.")
_DEFAULTS = Judgement(
    Verdict.DIFFERS,
    "The az of moor install-az-shim remembers it; else MOORAGE_WORKSPACE, or moor folder attach -w NAME.",
)
_WORKS = Judgement(Verdict.WORKS)


def _judge_ml(words: tuple[str, ...]) -> Iterator[tuple[str, Judgement]]:
    count = next((at for at, word in enumerate(words) if word.startswith("-")), len(words))
    leading = words[:count]
    name = next((n for n in (" ".join(leading[:at]) for at in range(len(leading), 0, -1)) if _known(n)), None)
    if name is None:
        yield _unknown(leading)
        return
    shown, entry = f"az ml {name}", tables.commands()[name]
    if "instead" in entry:
        yield shown, Judgement(Verdict.NOT_SUPPORTED, entry["instead"])
        return
    yield shown, differences.COMMANDS.get(name, _WORKS)
    rest = words[len(name.split()) :]
    for flag, judgement in _flags(name, rest):
        yield f"{shown} {flag}", judgement


def _known(name: str) -> bool:
    return name in tables.commands()


def _unknown(leading: tuple[str, ...]) -> tuple[str, Judgement]:
    shown = " ".join(("az", "ml", *leading[:3]))
    variable = next((word for word in leading if is_variable(word)), None)
    if variable is not None or not leading:
        what = f"{variable} decides" if variable else "what follows decides"
        return shown, Judgement(Verdict.UNCLEAR, f"The command cannot be told: {what}.")
    groups = {name.split()[0] for name in tables.commands()}
    text = f"{leading[0]} has no such command." if leading[0] in groups else "There is no such command."
    return shown, Judgement(Verdict.NOT_SUPPORTED, f"{text} moor --help lists what there is.")


def _flags(name: str, words: tuple[str, ...]) -> Iterator[tuple[str, Judgement]]:
    entry = tables.commands()[name]
    flags, missing = entry["flags"], entry.get("missing", ())
    takes_words = False  # of the flag before
    rest = iter(words)
    for word in rest:
        if not word.startswith("-") or word == "-":
            if not takes_words and re.fullmatch(r"\$\{?\w+\}?|\$\(\w+\)|%\w+%", word):
                yield word, Judgement(Verdict.UNCLEAR, f"Flags in {word} are not looked at.")
            continue
        flag, equals, value = word.partition("=")
        if flag not in flags and f"-{flag}" in flags:
            flag = f"-{flag}"  # -ic, as older pages write it
        long = flags.get(flag)
        if long is None:
            takes_words = True
            judgement = _unknown_flag(flag, flags, missing)
            if judgement is not None:
                yield flag, judgement
            continue
        takes_words = long not in entry["switches"] and not equals
        if takes_words:
            value, takes_words = next(rest, ""), False
        yield from _rules(name, flag, long, value)


def _rules(name: str, flag: str, long: str, value: str) -> Iterator[tuple[str, Judgement]]:
    for key, judgement in differences.COMMANDS.items():
        command, _, condition = key.partition("(")
        wanted, equals, pattern = condition.removesuffix(")").partition("=")
        if command == name and wanted == long and (not equals or fnmatchcase(value.lower(), pattern)):
            yield flag, judgement


def _unknown_flag(flag: str, flags: dict[str, str], missing: tuple[str, ...]) -> Judgement | None:
    if flag in {"-h", "--help", "--"}:
        return None
    if flag in missing:
        return Judgement(Verdict.NOT_SUPPORTED, f"{flag} is not taken; leave it out.")
    longer = sorted({known for known in flags if known.startswith(flag) and known.startswith("--")})
    if len(longer) == 1 and flag.startswith("--"):
        return Judgement(Verdict.NOT_SUPPORTED, f"Flags are not abbreviated: write {longer[0]}.")
    return Judgement(Verdict.UNCLEAR, f"{flag} is not a documented flag of this command.")


def _open_quote(before: str) -> str:
    """Return the quotation mark that is open at the end of a line's beginning, or nothing."""
    quote = ""
    for character in re.sub(r"\\.", "", before):
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
    return quote


def _words(text: str, start: int, closing: str) -> Iterator[tuple[str, int]]:
    """Yield the words of the command at ``start`` and their ends, up to the quotation mark ``closing``."""
    at, word, is_word, yielded = start, "", False, 0
    while at < len(text) and yielded < MOST_WORDS:
        character = text[at]
        if character == closing:
            break
        continued = _CONTINUED.match(text, at)
        if continued or character in " \t\r":
            if is_word:
                yield word, at
                yielded += 1
            at = continued.end() if continued else at + 1
            word, is_word = "", False
            continue
        if character in _ENDS or (character == "`") or (character == "#" and not is_word):
            break
        piece, at = _piece(text, at)
        word, is_word = word + piece, True
    if is_word:
        yield word, min(at, len(text))


def _piece(text: str, at: int) -> tuple[str, int]:
    """Return the next piece of a word without its quotes, and where it ends."""
    character = text[at]
    if character in "\"'":
        end = at + 1
        while end < len(text) and text[end] != character:
            end += 2 if text[end] == "\\" and character == '"' else 1
        return text[at + 1 : end], end + 1
    opening = re.match(r"\$?[({]+", text[at:])
    if opening and character in "${":
        depth, end = 0, at
        while end < len(text):
            depth += (text[end] in "({") - (text[end] in ")}")
            end += 1
            if depth == 0 and text[end - 1] in ")}":
                break
        return text[at:end], end
    if character == "\\" and at + 1 < len(text):
        return text[at + 1], at + 2
    return character, at + 1
