"""The base of every parameter type, also of those that users write themselves."""

from abc import ABC, abstractmethod
from typing import Any, Dict, List

from moorage_runtime.schema.constants import ALL_SUPPORTED_VERSIONS

Schema = Dict[str, Any]


class AbstractParameterType(ABC):
    """A type known by one sample of it.

    ``sample_data_type`` is the sample's Python type: a value that already is of this type is
    handed to the function as it is.
    """

    def __init__(self, sample_input: Any) -> None:
        self.sample_input = sample_input
        self.sample_data_type = type(sample_input)

    @abstractmethod
    def deserialize_input(self, input_data: Any) -> Any:
        """Return the value that the function gets for ``input_data``, a value parsed from JSON."""

    @abstractmethod
    def input_to_swagger(self) -> Schema:
        """Return the schema of the type, with the sample as ``example``."""

    def supported_versions(self) -> List[str]:
        """Return the OpenAPI versions that can express the type, oldest first.

        OpenAPI 2.0 has no word for a list whose items differ in type; 3.0 and 3.1 are taken as
        they come, since the old schema package offered such lists there.
        """
        if mixes_types(self.input_to_swagger().get("example")):
            return ALL_SUPPORTED_VERSIONS[1:]
        return list(ALL_SUPPORTED_VERSIONS)


def mixes_types(example: Any) -> bool:
    """Say whether a list of items of different Python types is somewhere in ``example``.

    ``1`` and ``1.0`` differ, and ``None`` differs from everything else.
    """
    if isinstance(example, dict):
        return any(mixes_types(value) for value in example.values())
    if not isinstance(example, (list, tuple)):
        return False
    if len(set(map(type, example))) > 1:
        return True
    return any(mixes_types(value) for value in example if isinstance(value, (dict, list, tuple)))


def in_all_versions(groups: List[List[str]]) -> List[str]:
    """Return the versions that are in every group, oldest first; all of them without groups."""
    return [version for version in ALL_SUPPORTED_VERSIONS if all(version in group for group in groups)]
