"""What can be wrong with a model, and with a request for it."""

from moorage_runtime.schema.errors import InputError


class InvalidInput(InputError):
    """A request does not fit the model; whoever sent it can mend it. Answered with 400."""


class NotFound(InputError):
    """A request names a model, version or method that is not there. Answered with 404."""


class ModelUnusable(Exception):
    """A model file is not what it should be, or what it needs is not installed."""

    is_about_the_model = True  # told without a traceback
