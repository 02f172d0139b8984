"""``ParallelRunStep``: running batch scripts is not built yet."""

from typing import Any

from azureml.exceptions import NotYetAvailable
from azureml.pipeline.core.builder import PipelineStep
from azureml.pipeline.steps.parallel_run_config import ParallelRunConfig

__all__ = ["ParallelRunStep"]

_INSTEAD = "Deploy the model as a service and send it the batches."


class ParallelRunStep(PipelineStep):
    """One pass of a batch script over its inputs."""

    def __init__(
        self,
        name: str,
        parallel_run_config: ParallelRunConfig,
        inputs: list[Any],
        output: Any = None,
        side_inputs: list[Any] | None = None,
        arguments: list[str] | None = None,
        allow_reuse: bool = True,
    ) -> None:
        raise NotYetAvailable("ParallelRunStep", _INSTEAD)

    def run_after(self, step: PipelineStep) -> None:
        """Let another step end first."""
        raise NotYetAvailable("ParallelRunStep.run_after()", _INSTEAD)
