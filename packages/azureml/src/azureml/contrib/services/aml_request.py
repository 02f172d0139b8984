"""``@rawhttp`` and the request that it hands over."""

from moorage_runtime.aml_request import AMLRequest, rawhttp

__all__ = ["AMLRequest", "rawhttp"]
