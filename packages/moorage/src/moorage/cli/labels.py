"""``key=value`` flags, and words that mean true or false."""

from collections.abc import Sequence

from moorage.errors import InvalidArgument

TRUE, FALSE = ("true", "1", "yes", "on"), ("false", "0", "no", "off")


def parse_labels(flag: str, texts: Sequence[str] | None) -> dict[str, str]:
    """Return ``["a=1", "b=x=y"]`` as a dict; the last of two equal keys wins.

    Raises:
        InvalidArgument: a text without "=", or with nothing before it.
    """
    labels = {}
    for text in texts or ():
        key, equals, value = text.partition("=")
        if not key or not equals:
            raise InvalidArgument(flag, f"{text!r} is not written key=value")
        labels[key] = value
    return labels


def labels_with_bare_keys(text: str | None) -> dict[str, str | None]:
    """Return ``"a=1"`` as ``{"a": "1"}`` and ``"a"`` as ``{"a": None}``; nothing for None."""
    if text is None:
        return {}
    key, equals, value = text.partition("=")
    return {key: value if equals else None}


def parse_truth(flag: str, text: str | None) -> bool | None:
    """Return the meaning of a word such as ``true`` or ``False``.

    Raises:
        InvalidArgument: another word.
    """
    if text is None:
        return None
    word = text.strip().lower()
    if word in TRUE or word in FALSE:
        return word in TRUE
    raise InvalidArgument(flag, f"{text!r} is neither true nor false")
