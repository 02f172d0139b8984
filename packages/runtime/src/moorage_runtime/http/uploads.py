"""An uploaded file."""

import os
import shutil
from typing import Any, BinaryIO, Dict, Iterator, Optional

from .headers import Headers, parse_options


class FileStorage:
    """The content is ``stream``; whatever a binary file can do, this can do too."""

    def __init__(
        self,
        stream: BinaryIO,
        filename: Optional[str] = None,
        name: Optional[str] = None,
        *,
        headers: Optional[Headers] = None,
    ) -> None:
        self.stream = stream
        self.filename = filename
        self.name = name
        self.headers = headers if headers is not None else Headers()

    @property
    def content_type(self) -> Optional[str]:
        value = self.headers.get("Content-Type")
        return None if value is None else str(value)

    @property
    def mimetype(self) -> str:
        return parse_options(self.content_type)[0]

    @property
    def mimetype_params(self) -> Dict[str, str]:
        return parse_options(self.content_type)[1]

    @property
    def content_length(self) -> int:
        """As the part's own header states it; 0 if it does not."""
        return int(self.headers.get("Content-Length", 0, type=int))

    def save(self, dst: Any, buffer_size: int = 16384) -> None:
        """Copy the rest of the content to a path or to an open binary file."""
        if hasattr(dst, "write"):
            shutil.copyfileobj(self.stream, dst, buffer_size)
            return
        with open(os.fspath(dst), "wb") as target:
            shutil.copyfileobj(self.stream, target, buffer_size)

    def close(self) -> None:
        self.stream.close()

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.stream)

    def __enter__(self) -> "FileStorage":
        return self

    def __exit__(self, *details: Any) -> None:
        self.close()

    def __bool__(self) -> bool:
        return bool(self.filename)

    def __getattr__(self, name: str) -> Any:
        if name == "stream":  # not set yet: being unpickled or copied
            raise AttributeError(name)
        return getattr(self.stream, name)

    def __repr__(self) -> str:
        return "<FileStorage: %r (%r)>" % (self.filename, self.content_type)
