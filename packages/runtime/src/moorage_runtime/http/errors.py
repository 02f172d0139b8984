"""HTTP errors that a request object raises inside a script."""

from typing import Optional


class HTTPException(Exception):
    """An error with a status; ``description`` says what is wrong."""

    code = 500
    name = "Internal Server Error"
    description = ""

    def __init__(self, description: Optional[str] = None) -> None:
        super().__init__()
        if description is not None:
            self.description = description

    def __str__(self) -> str:
        return "%d %s: %s" % (self.code, self.name, self.description)


class BadRequest(HTTPException):
    code = 400
    name = "Bad Request"
    description = "The request cannot be understood."


class BadRequestKeyError(BadRequest, KeyError):
    """A value that the script asked for is not in the request."""

    def __init__(self, key: object = None) -> None:
        super().__init__("the request has no value for %r" % (key,))
        self.args = (key,)


class RequestEntityTooLarge(HTTPException):
    code = 413
    name = "Request Entity Too Large"
    description = "The request is larger than permitted."


class UnsupportedMediaType(HTTPException):
    code = 415
    name = "Unsupported Media Type"
    description = "The content type of the request is not the expected one."


class ClientDisconnected(BadRequest, ConnectionError):
    """The client went away before its request was complete."""

    description = "The client went away before its request was complete."
