"""The response object of entry scripts."""

from moorage_runtime.responses import AMLResponse

__all__ = ["AMLResponse"]
