"""Mappings with several values per key, as Werkzeug has them."""

from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Tuple, Union

from .errors import BadRequestKeyError

Pairs = Iterable[Tuple[str, Any]]


class MultiDict(Dict[str, Any]):
    """A dictionary of lists that shows the first value of each key."""

    def __init__(self, pairs: Union[Pairs, Dict[str, Any]] = ()) -> None:
        super().__init__()
        if isinstance(pairs, MultiDict):
            pairs = pairs.items(multi=True)
        elif isinstance(pairs, dict):
            pairs = _flatten(pairs)
        for key, value in pairs:
            self.add(key, value)

    def add(self, key: str, value: Any) -> None:
        """Append a value to those of ``key``."""
        dict.setdefault(self, key, []).append(value)

    def __getitem__(self, key: str) -> Any:
        values = dict.get(self, key)
        if not values:
            raise BadRequestKeyError(key)
        return values[0]

    def __setitem__(self, key: str, value: Any) -> None:
        dict.__setitem__(self, key, [value])

    def get(self, key: str, default: Any = None, type: Optional[Callable[[Any], Any]] = None) -> Any:
        """Return the first value, converted with ``type``; ``default`` if that fails or there is none."""
        try:
            value = self[key]
            return value if type is None else type(value)
        except (KeyError, ValueError, TypeError):
            return default

    def getlist(self, key: str, type: Optional[Callable[[Any], Any]] = None) -> List[Any]:
        """Return all values; those that ``type`` refuses are left out."""
        values = dict.get(self, key, [])
        if type is None:
            return list(values)
        converted = []
        for value in values:
            try:
                converted.append(type(value))
            except (ValueError, TypeError):
                continue
        return converted

    def setlist(self, key: str, values: Iterable[Any]) -> None:
        dict.__setitem__(self, key, list(values))

    def setdefault(self, key: str, default: Any = None) -> Any:
        if key not in self:
            self[key] = default
        return self[key]

    def items(self, multi: bool = False) -> Iterator[Tuple[str, Any]]:  # type: ignore[override]
        for key, values in dict.items(self):
            for value in values if multi else values[:1]:
                yield key, value

    def values(self) -> Iterator[Any]:  # type: ignore[override]
        for values in dict.values(self):
            yield values[0]

    def lists(self) -> Iterator[Tuple[str, List[Any]]]:
        for key, values in dict.items(self):
            yield key, list(values)

    def listvalues(self) -> Iterator[List[Any]]:
        return iter(dict.values(self))

    def to_dict(self, flat: bool = True) -> Dict[str, Any]:
        """Return a plain dictionary: the first values, or with ``flat=False`` the lists."""
        return dict(self.items()) if flat else dict(self.lists())

    def copy(self) -> "MultiDict":
        return MultiDict(self)

    def pop(self, key: str, *default: Any) -> Any:
        values = dict.pop(self, key, None)
        if values:
            return values[0]
        if default:
            return default[0]
        raise BadRequestKeyError(key)

    def poplist(self, key: str) -> List[Any]:
        return list(dict.pop(self, key, []))

    def update(self, other: Any = (), **more: Any) -> None:  # type: ignore[override]
        """Add the pairs of ``other``; nothing is replaced."""
        for source in (other, more):
            for key, value in MultiDict(source).items(multi=True):
                self.add(key, value)

    def __copy__(self) -> "MultiDict":
        return self.copy()

    def __repr__(self) -> str:
        return "%s(%r)" % (type(self).__name__, list(self.items(multi=True)))

    def __reduce__(self) -> Any:
        return type(self), (list(self.items(multi=True)),)


def _flatten(mapping: Dict[str, Any]) -> Iterator[Tuple[str, Any]]:
    for key, value in mapping.items():
        if isinstance(value, (list, tuple)):
            for one in value:
                yield key, one
        else:
            yield key, value
