"""What scripts took from ``sklearn.externals.six``: names that worked in Python 2 and 3."""

import builtins
import collections.abc as collections_abc
import io
import pickle
import queue
import sys
from functools import reduce
from itertools import filterfalse, zip_longest
from types import ModuleType
from typing import Any, Callable, Iterator
from urllib import error as urllib_error
from urllib import parse as urllib_parse
from urllib import request as urllib_request

PY2 = False
PY3 = True
string_types = (str,)
integer_types = (int,)
class_types = (type,)
text_type = str
binary_type = bytes
MAXSIZE = sys.maxsize
StringIO = io.StringIO
BytesIO = io.BytesIO
Iterator_ = Iterator
next = builtins.next


def iteritems(mapping: Any, **kw: Any) -> Any:
    return iter(mapping.items(**kw))


def iterkeys(mapping: Any, **kw: Any) -> Any:
    return iter(mapping.keys(**kw))


def itervalues(mapping: Any, **kw: Any) -> Any:
    return iter(mapping.values(**kw))


def u(text: str) -> str:
    return text


def b(text: str) -> bytes:
    return text.encode("latin-1")


def callable(value: Any) -> bool:
    return builtins.callable(value)


def with_metaclass(meta: Any, *bases: Any) -> Any:
    """Return a base class that makes its subclass an instance of ``meta`` with ``bases``."""
    return meta("temporary_class", bases, {})


def add_metaclass(meta: Any) -> Callable[[Any], Any]:
    """Return a class decorator that builds the class again with ``meta``."""

    def wrap(cls: Any) -> Any:
        body = {name: value for name, value in vars(cls).items() if name not in ("__dict__", "__weakref__")}
        return meta(cls.__name__, cls.__bases__, body)

    return wrap


def reraise(kind: Any, value: Any, traceback: Any = None) -> None:
    raise (kind() if value is None else value).with_traceback(traceback)


def _make_moves() -> ModuleType:
    moves = ModuleType(__name__ + ".moves")
    moves.__dict__.update(
        range=range, xrange=range, zip=zip, map=map, filter=filter, input=input, reduce=reduce,
        zip_longest=zip_longest, filterfalse=filterfalse, cPickle=pickle, queue=queue, builtins=builtins,
        StringIO=io.StringIO, cStringIO=io.StringIO, collections_abc=collections_abc, intern=sys.intern,
    )  # fmt: skip
    urllib = ModuleType(__name__ + ".moves.urllib")
    urllib.__dict__.update(parse=urllib_parse, request=urllib_request, error=urllib_error)
    moves.__dict__["urllib"] = urllib
    for module in (moves, urllib):
        module.__path__ = []
        sys.modules[module.__name__] = module
    for name, module in (("parse", urllib_parse), ("request", urllib_request), ("error", urllib_error)):
        sys.modules["%s.%s" % (urllib.__name__, name)] = module
    return moves


moves = _make_moves()
__path__: "list[str]" = []
