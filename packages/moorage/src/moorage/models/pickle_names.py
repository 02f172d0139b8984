"""What a pickle would import, found by going through its steps without taking any of them.

Every name that it asks for is noted and stands for itself afterwards; nothing is imported, called or built.
Following the steps, rather than looking for patterns, finds names that are put together on the stack, and
those behind the raw arrays with which joblib interrupts its pickles.
"""

import pickle
import re
from collections.abc import Callable
from typing import IO, Any, ClassVar

LONGEST_LINE = 65_536
MOST_PICKLES = 1000  # in one file, one behind the other, as old PyTorch writes them
_CHUNK_BYTES = 1 << 20
_SIZE = re.compile(r"[<>=|]?([?a-zA-Z])(\d*)")


class CannotFollow(Exception):
    """The steps of a pickle cannot be followed to their end; the message says why."""


class Reader:
    """Reads from a file or stream, never more than there is, and at most ``limit_bytes`` altogether."""

    def __init__(self, file: IO[bytes], limit_bytes: int) -> None:
        self._file = file
        self._left = self._limit = limit_bytes
        self._ahead = b""

    @property
    def taken_bytes(self) -> int:
        """How much was read."""
        return self._limit - max(0, self._left)

    def read(self, size: int = -1) -> bytes:
        if size < 0:
            raise CannotFollow("it asks for all there is")
        pieces = [self._ahead[:size]]
        self._ahead = self._ahead[size:]
        missing = size - len(pieces[0])
        while missing:
            # In pieces: a length that is not there must not be allocated.
            piece = self._file.read(min(missing, _CHUNK_BYTES))
            if not piece:
                break
            self._take(len(piece))
            pieces.append(piece)
            missing -= len(piece)
        return b"".join(pieces)

    def readline(self) -> bytes:
        line = self._ahead
        while b"\n" not in line:
            if len(line) > LONGEST_LINE:
                raise CannotFollow("it has an endless line")
            piece = self._file.read(256)
            if not piece:
                break
            self._take(len(piece))
            line += piece
        line, newline, self._ahead = line.partition(b"\n")
        return line + newline

    def readinto(self, target: Any) -> int:
        data = self.read(len(target))
        target[: len(data)] = data
        return len(data)

    def peek(self, size: int) -> bytes:
        self._ahead = self.read(size)
        return self._ahead

    def skip(self, size: int) -> None:
        while size:
            piece = self.read(min(size, _CHUNK_BYTES))
            if not piece:
                raise CannotFollow("it ends within an array")
            size -= len(piece)

    def _take(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise CannotFollow("it is too large to look into")


class Inert:
    """Stands for whatever a pickle imports or makes; can be called, filled and asked for nothing."""

    def __init__(self, name: tuple[str, str] | None = None, arguments: Any = ()) -> None:
        self.name, self.arguments = name, arguments
        self.state: Any = None

    def append(self, item: object) -> None:
        pass

    def extend(self, items: object) -> None:
        pass


# The one in Python, which says what it does step by step; type checkers know little of it.
_Steps: Any = pickle._Unpickler


class _Follower(_Steps):  # type: ignore[misc]
    """The unpickler of the standard library, in which every step that could do something does nothing."""

    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = dict(_Steps.dispatch)

    def __init__(self, reader: Reader, names: set[tuple[str, str]]) -> None:
        super().__init__(reader, encoding="latin-1", errors="replace")
        self._reader = reader
        self._names = names

    def find_class(self, module: Any, name: Any) -> Inert:
        if not isinstance(module, str) or not isinstance(name, str):
            raise CannotFollow("it imports something whose name is no text")
        self._names.add((module, name))
        return Inert((module, name))

    def get_extension(self, code: int) -> None:
        # A name from a registry of the process that loads it.
        self._names.add(("copyreg", f"extension {code}"))
        self.append(Inert(("copyreg", "extension")))

    def persistent_load(self, _pid: object) -> Inert:
        return Inert()

    def load_reduce(self) -> None:
        arguments = self.stack.pop()
        function = self.stack[-1]
        # dtype('f8'): needed to know how large an array is.
        self.stack[-1] = Inert(getattr(function, "name", None), arguments)

    def load_new(self) -> None:
        arguments = self.stack.pop()
        kind = self.stack.pop()
        self.append(Inert(getattr(kind, "name", None), arguments))

    def load_new_with_keywords(self) -> None:
        self.stack.pop()
        self.load_new()

    def load_inst(self) -> None:
        module = self.readline()[:-1].decode("ascii", "replace")
        name = self.readline()[:-1].decode("ascii", "replace")
        arguments = self.pop_mark()
        self.append(Inert(self.find_class(module, name).name, arguments))

    def load_obj(self) -> None:
        arguments = self.pop_mark()
        self.append(Inert(getattr(arguments[0], "name", None) if arguments else None, arguments[1:]))

    def load_build(self) -> None:
        state = self.stack.pop()
        built = self.stack[-1]
        if isinstance(built, Inert):
            built.state = state
            if built.name == ("joblib.numpy_pickle", "NumpyArrayWrapper"):
                self._pass_array(state)

    def load_setitem(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self._put([key, value])

    def load_setitems(self) -> None:
        self._put(self.pop_mark())

    def load_dict(self) -> None:
        items = self.pop_mark()
        self.append({})
        self._put(items)

    def load_additems(self) -> None:
        self.pop_mark()

    def load_frozenset(self) -> None:
        self.pop_mark()
        self.append(Inert())

    def _put(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if isinstance(target, dict):
            # Only texts: the hash of nested tuples can be made to take for ever.
            target.update((k, v) for k, v in zip(items[::2], items[1::2], strict=False) if type(k) is str)

    def _pass_array(self, state: Any) -> None:
        """Go on behind the contents of an array, which joblib writes between two steps."""
        if not isinstance(state, dict):
            raise CannotFollow("it holds an array of an unknown form")
        size = _item_bytes(state.get("dtype"))
        if size is None:  # objects: a pickle of their own
            follow(self._reader, self._names)
            return
        if state.get("numpy_array_alignment_bytes") is not None:
            self._reader.skip(int.from_bytes(self._reader.read(1), "little"))
        count = 1
        for extent in state.get("shape") or ():
            if type(extent) is not int or extent < 0:
                raise CannotFollow("it holds an array of an unknown shape")
            count *= extent
        self._reader.skip(count * size)


for _opcode, _step in (
    (pickle.REDUCE, _Follower.load_reduce),
    (pickle.NEWOBJ, _Follower.load_new),
    (pickle.NEWOBJ_EX, _Follower.load_new_with_keywords),
    (pickle.INST, _Follower.load_inst),
    (pickle.OBJ, _Follower.load_obj),
    (pickle.BUILD, _Follower.load_build),
    (pickle.SETITEM, _Follower.load_setitem),
    (pickle.SETITEMS, _Follower.load_setitems),
    (pickle.DICT, _Follower.load_dict),
    (pickle.ADDITEMS, _Follower.load_additems),
    (pickle.FROZENSET, _Follower.load_frozenset),
):
    _Follower.dispatch[_opcode[0]] = _step


def follow(reader: Reader, names: set[tuple[str, str]]) -> None:
    """Add to ``names`` what one pickle would import: ``(module, name)``.

    Raises:
        CannotFollow: not to its end; what was found until then is in ``names``.
    """
    try:
        _Follower(reader, names).load()
    except CannotFollow:
        raise
    except Exception as error:
        raise CannotFollow(f"it is damaged: {type(error).__name__}: {error}"[:200]) from error


def follow_all(reader: Reader, names: set[tuple[str, str]]) -> None:
    """As `follow`, for pickles that are one behind the other; what else is behind them is left alone."""
    for _ in range(MOST_PICKLES):
        follow(reader, names)
        if not looks_pickled(reader.peek(2)):
            return
    raise CannotFollow(f"it holds more than {MOST_PICKLES} pickles")


def looks_pickled(head: bytes) -> bool:
    """Whether data that starts like this announces itself as a pickle (protocol 2 and later)."""
    return len(head) >= 2 and head[0] == 0x80 and 2 <= head[1] <= 5


def _item_bytes(dtype: Any) -> int | None:
    """Return the bytes of an array's item; None: references to objects."""
    text = dtype.arguments[0] if isinstance(dtype, Inert) and dtype.arguments else None
    match = _SIZE.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise CannotFollow("it holds an array whose items are of an unknown size")
    kind, size = match[1], int(match[2] or 1)
    if kind == "O":
        return None
    if kind == "V" and isinstance(dtype.state, tuple) and len(dtype.state) > 4:
        fields = dtype.state[4]
        if fields is not None and any(_has_objects(part) for part in _parts(fields)):
            return None
    return size * 4 if kind == "U" else size


def _parts(fields: Any) -> list[Any]:
    return [value[0] for value in fields.values() if value] if isinstance(fields, dict) else []


def _has_objects(dtype: Any) -> bool:
    try:
        return _item_bytes(dtype) is None
    except CannotFollow:
        return True
