"""Choices for reading tables."""

from enum import Enum

__all__ = ["PromoteHeadersBehavior"]


class PromoteHeadersBehavior(Enum):
    """Which files begin with the names of the columns."""

    NO_HEADERS = 0
    ONLY_FIRST_FILE_HAS_HEADERS = 1
    COMBINE_ALL_FILES_HEADERS = 2
    ALL_FILES_HAVE_SAME_HEADERS = 3
