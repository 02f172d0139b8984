"""Nothing is sent to anybody, so there is nothing to switch off."""

from typing import Any

__all__ = ["set_diagnostics_collection"]


def set_diagnostics_collection(send_diagnostics: bool = True, verbosity: Any = None, **kwargs: Any) -> None:
    """Do nothing."""
