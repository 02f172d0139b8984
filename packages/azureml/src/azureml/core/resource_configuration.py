"""Resources that a model asks for when a service does not say."""

from collections.abc import Mapping
from typing import Any

from moorage.models import ResourceConfiguration as Record

__all__ = ["ResourceConfiguration"]


class ResourceConfiguration:
    """``cpu`` in cores, ``memory_in_gb`` in GB, ``gpu`` a count; None: not said. Nothing is checked here."""

    def __init__(
        self, cpu: float | None = None, memory_in_gb: float | None = None, gpu: int | None = None
    ) -> None:
        self.cpu, self.memory_in_gb, self.gpu = cpu, memory_in_gb, gpu

    def serialize(self) -> dict[str, Any]:
        """Return the form of the REST interface."""
        return {"cpu": self.cpu, "memoryInGB": self.memory_in_gb, "gpu": self.gpu}

    @staticmethod
    def deserialize(payload_obj: Mapping[str, Any] | None) -> "ResourceConfiguration | None":
        """Read what ``serialize`` returned; None stays None."""
        if payload_obj is None:
            return None
        return ResourceConfiguration(
            payload_obj.get("cpu"), payload_obj.get("memoryInGB"), payload_obj.get("gpu")
        )

    def as_record(self) -> Record:
        """Return the registry's form; raises what the registry says of impossible values."""
        return Record(cpu_cores=self.cpu, memory_gb=self.memory_in_gb, gpu_count=self.gpu)

    @staticmethod
    def of_record(record: Record | None) -> "ResourceConfiguration | None":
        """Read the registry's form; None stays None."""
        if record is None:
            return None
        return ResourceConfiguration(record.cpu_cores, record.memory_gb, record.gpu_count)
