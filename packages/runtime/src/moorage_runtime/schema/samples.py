"""Samples are public: a look at whether one holds something that should not be.

The rules are simple on purpose, and they are all here. By the name of a member or a column:
password, secret, token, key, e-mail, phone, address, birthday, social security, tax, card, account
and passport numbers, first and last names. By the form of a text: e-mail addresses, private keys,
JSON web tokens, access keys of cloud providers, keys in connection strings, credit card numbers
with a right check digit, IBANs with a right one, US social security numbers. Numbers in arrays are
not looked at. A warning never shows the value.
"""

import re
from typing import Any, Callable, Iterator, List, Tuple

from moorage_runtime.schema.description import find_description
from moorage_runtime.schema.errors import item, member

_MAX_LOOKED_AT = 20000

_NAMES = (
    (
        "a secret",
        r"(pass(word|wd|phrase)|pwd|secret|credential|(api|access|private|account|auth)_?key|token)",
    ),
    ("an e-mail address", r"e_?mail"),
    ("a phone number", r"(phone|mobile|fax)(_?(number|no|nr))?"),
    ("a postal address", r"(street|postal|home)_?(address|name)?|address(_?line)?_?\d?"),
    ("a date of birth", r"(date_?of_?birth|birth_?(date|day)|dob)"),
    ("an identity number", r"(ssn|social_?security|passport|tax_?id|national_?id|driver_?licen[cs]e)"),
    ("a bank or card number", r"(iban|credit_?card|card_?number|cvv|cvc|bank_?account)"),
    ("a person's name", r"(first|last|full|sur|family|given|maiden)_?name"),
)
_NAME_RULES = [
    (what, re.compile(r"(?:^|_)%s(?:_?(number|no|nr|id|hash|value))?$" % form, re.IGNORECASE))
    for what, form in _NAMES
]
_TEXT_RULES = (
    ("an e-mail address", re.compile(r"[\w.+-]+@[\w-]+\.[A-Za-z]{2,}")),
    ("a private key", re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")),
    ("a JSON web token", re.compile(r"\beyJ[\w-]{8,}\.[\w-]{4,}\.[\w-]*")),
    ("an access key", re.compile(r"\b(AKIA|ASIA)[0-9A-Z]{16}\b|\bgh[pousr]_\w{30,}|\bsk-[\w-]{20,}")),
    (
        "a connection string",
        re.compile(r"\b(AccountKey|SharedAccessKey|Password|Pwd)\s*=\s*[^;\s]{4,}", re.I),
    ),
    ("a password in an address", re.compile(r"\b[a-z][a-z0-9+.-]*://[^/\s:@]+:[^/\s@]+@")),
    ("a social security number", re.compile(r"\b(?!000|666|9\d\d)\d{3}-(?!00)\d\d-(?!0000)\d{4}\b")),
)
_CARD = re.compile(r"(?<![\d.])\d(?:[ -]?\d){12,18}(?![\d.])")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def find_sensitive(run: Callable[..., Any]) -> List[str]:
    """Return a warning for everything in the samples of ``run`` that looks secret or personal.

    An empty list means that no rule matched, not that the samples are harmless.
    """
    description = find_description(run)
    if description is None:
        return []
    examples = [(name, described.schema.get("example")) for name, described in description.inputs.items()]
    if description.output is not None:
        examples.append(("the result", description.output.schema.get("example")))
    found = []
    for name, example in examples:
        for path, what in look_at(example, name):
            found.append(
                "the sample at %s looks like %s: samples are shown to everybody who can read the OpenAPI "
                "document; use invented values, or hide the samples" % (path, what)
            )
    return found


def look_at(example: Any, name: str = "") -> List[Tuple[str, str]]:
    """Return ``(path, what it looks like)`` for an example; the rows of a table count once per column."""
    found = []
    seen = set()
    named = _by_name(name)
    if named is not None and example not in (None, ""):
        found.append((name, named))
    for count, (path, what) in enumerate(_walk(example, name)):
        if count >= _MAX_LOOKED_AT:
            break
        key = (re.sub(r"\[\d+\]", "[]", path), what)
        if what and key not in seen:
            seen.add(key)
            found.append((path.lstrip("."), what))
    return found


def _walk(value: Any, path: str) -> Iterator[Tuple[str, str]]:
    """Yield a path for everything that was looked at, with what it looks like or an empty text."""
    if isinstance(value, dict):
        for name, inner in value.items():
            step = path + member(name)
            named = _by_name(str(name))
            if named is not None and inner not in (None, ""):
                yield step, named
                continue
            for found in _walk(inner, step):
                yield found
    elif isinstance(value, (list, tuple)):
        for index, inner in enumerate(value):
            for found in _walk(inner, path + item(index)):
                yield found
    elif isinstance(value, str):
        yield path, _by_text(value) or ""
    else:
        yield path, ""


def _by_name(name: str) -> Any:
    """Return what a member of this name holds, ``userEmail`` and ``user-email`` alike; None: nothing."""
    words = re.sub(r"[^A-Za-z0-9]+", "_", _CAMEL.sub("_", name))
    for what, form in _NAME_RULES:
        if form.search(words):
            return what
    return None


def _by_text(text: str) -> Any:
    for what, form in _TEXT_RULES:
        if form.search(text):
            return what
    if any(_is_card(match.group()) for match in _CARD.finditer(text)):
        return "a credit card number"
    if any(_is_iban(match.group()) for match in _IBAN.finditer(text)):
        return "a bank account number"
    return None


def _is_card(text: str) -> bool:
    """Check the Luhn digit; a number of one repeated digit is no card."""
    digits = [int(letter) for letter in text if letter.isdigit()]
    if len(set(digits)) == 1:
        return False
    doubled = [digit * 2 - 9 if digit > 4 else digit * 2 for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _is_iban(text: str) -> bool:
    """Check the two digits after the country (ISO 7064, modulo 97)."""
    plain = text.replace(" ", "")
    moved = plain[4:] + plain[:4]
    return len(plain) >= 15 and int("".join(str(int(letter, 36)) for letter in moved)) % 97 == 1
