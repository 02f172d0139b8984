"""HTTP headers: ordered, several values per name, names without regard to case."""

from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Tuple, Union

from .errors import BadRequestKeyError

Pair = Tuple[str, str]


class Headers:
    """Iterating yields ``(name, value)``; ``dict(headers)`` works too."""

    def __init__(self, pairs: Any = ()) -> None:
        self._pairs: List[Pair] = []
        self.extend(pairs)

    def extend(self, pairs: Any = (), **more: Any) -> None:
        """Add the pairs of a mapping (a list value: several headers), of headers, or of an iterable."""
        items: Iterable[Any] = pairs.items() if hasattr(pairs, "items") else pairs
        for name, value in list(items) + list(more.items()):
            for one in value if isinstance(value, (list, tuple)) else (value,):
                self.add(name, one)

    def add(self, name: str, value: Any, **parameters: Any) -> None:
        """Append a header; parameters become ``; name="value"``.

        Raises:
            ValueError: the value has a line break.
        """
        text = _text(value)
        for key, parameter in parameters.items():
            if parameter is not None:
                text += '; %s="%s"' % (key.replace("_", "-"), _text(parameter).replace('"', '\\"'))
        self._pairs.append((_text(name), text))

    def set(self, name: str, value: Any, **parameters: Any) -> None:
        """Replace all headers called ``name`` by one, in the place of the first."""
        rest = Headers()
        rest.add(name, value, **parameters)
        lowered = name.lower()
        for index, (other, _) in enumerate(self._pairs):
            if other.lower() == lowered:
                tail = [pair for pair in self._pairs[index + 1 :] if pair[0].lower() != lowered]
                self._pairs[index:] = rest._pairs + tail
                return
        self._pairs += rest._pairs

    add_header = add
    __setitem__ = set

    def get(
        self, name: str, default: Any = None, type: Optional[Callable[[str], Any]] = None, **_: Any
    ) -> Any:
        """Return the first value, converted with ``type``; else ``default``."""
        lowered = name.lower()
        for other, value in self._pairs:
            if other.lower() == lowered:
                if type is None:
                    return value
                try:
                    return type(value)
                except (ValueError, TypeError):
                    return default
        return default

    def __getitem__(self, name: Union[str, int]) -> Any:
        if isinstance(name, int):
            return self._pairs[name]
        value = self.get(name)
        if value is None:
            raise BadRequestKeyError(name)
        return value

    def __delitem__(self, name: str) -> None:
        lowered = name.lower()
        self._pairs = [pair for pair in self._pairs if pair[0].lower() != lowered]

    remove = __delitem__

    def getlist(self, name: str, type: Optional[Callable[[str], Any]] = None) -> List[Any]:
        lowered = name.lower()
        values = [value for other, value in self._pairs if other.lower() == lowered]
        return values if type is None else [type(value) for value in values]

    get_all = getlist

    def setlist(self, name: str, values: Iterable[Any]) -> None:
        del self[name]
        for value in values:
            self.add(name, value)

    def setdefault(self, name: str, value: Any) -> str:
        if name not in self:
            self.add(name, value)
        return str(self[name])

    def update(self, pairs: Any = (), **more: Any) -> None:
        """Replace the headers that ``pairs`` names."""
        new = Headers(pairs)
        new.extend(more)
        for name in dict.fromkeys(new.keys()):
            self.setlist(name, new.getlist(name))

    def pop(self, name: str, *default: Any) -> Any:
        value = self.get(name)
        if value is None:
            if default:
                return default[0]
            raise BadRequestKeyError(name)
        del self[name]
        return value

    def clear(self) -> None:
        self._pairs = []

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    def __iter__(self) -> Iterator[Pair]:
        return iter(self._pairs)

    def __len__(self) -> int:
        return len(self._pairs)

    def items(self, lower: bool = False) -> Iterator[Pair]:
        return ((name.lower() if lower else name, value) for name, value in self._pairs)

    def keys(self, lower: bool = False) -> Iterator[str]:
        return (name for name, _ in self.items(lower))

    def values(self) -> Iterator[str]:
        return (value for _, value in self._pairs)

    def to_wsgi_list(self) -> List[Pair]:
        return list(self._pairs)

    to_list = to_wsgi_list

    def copy(self) -> "Headers":
        return Headers(self._pairs)

    __copy__ = copy

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Headers):
            return NotImplemented
        return sorted(self.items(lower=True)) == sorted(other.items(lower=True))

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        return "".join("%s: %s\r\n" % pair for pair in self._pairs) + "\r\n"

    def __repr__(self) -> str:
        return "Headers(%r)" % (self._pairs,)


def _text(value: Any) -> str:
    text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
    if "\n" in text or "\r" in text:
        raise ValueError("a header must not contain line breaks: %r" % text)
    return text


def parse_options(value: Optional[str]) -> Tuple[str, "dict[str, str]"]:
    """Split ``"type; a=b; c=\\"d e\\""`` into the lowered first part and its parameters.

    ``name*=charset'lang'percent-encoded`` wins over ``name=``. Anything gives a value.
    """
    from .quoting import decode_extended  # noqa: PLC0415

    first, rest = _until(value or "", ";")
    parameters: Dict[str, str] = {}
    extended: Dict[str, str] = {}
    while rest:
        piece, rest = _until(rest, ";")
        name, equals, text = piece.partition("=")
        name = name.strip().lower()
        if not name or not equals:
            continue
        text = _unquote(text.strip())
        if name.endswith("*"):
            decoded = decode_extended(text)
            if decoded is not None:
                extended[name[:-1]] = decoded
        else:
            parameters.setdefault(name, text)
    parameters.update(extended)
    return first.strip().lower(), parameters


def _until(text: str, separator: str) -> Tuple[str, str]:
    """Split at the first ``separator`` that is not inside quotation marks."""
    quoted = escaped = False
    for index, character in enumerate(text):
        if escaped:
            escaped = False
        elif character == "\\" and quoted:
            escaped = True
        elif character == '"':
            quoted = not quoted
        elif character == separator and not quoted:
            return text[:index], text[index + 1 :]
    return text, ""


def _unquote(text: str) -> str:
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        return text
    inner = text[1:-1]
    # Only quotation marks and backslashes are escaped; browsers of old sent bare backslashes in paths.
    return inner.replace("\\\\", "\\").replace('\\"', '"')
