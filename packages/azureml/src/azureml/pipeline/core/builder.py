"""The base class of steps."""

from typing import Any

__all__ = ["PipelineStep"]


class PipelineStep:
    """A step with a name, its inputs and outputs."""

    def __init__(self, name: str, inputs: Any = None, outputs: Any = None) -> None:
        self.name, self.inputs, self.outputs = name, inputs, outputs
