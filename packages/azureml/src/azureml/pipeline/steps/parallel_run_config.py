"""``ParallelRunConfig``: how a batch script runs over files or tables."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from azureml.core.environment import Environment

__all__ = ["ParallelRunConfig"]

_OUTPUT_ACTIONS = ("append_row", "summary_only")
_BATCH_SIZE = re.compile(r"([0-9]+)\s*(KB|MB|GB|K|M|G|B)?", re.IGNORECASE)
_SAVED = (
    "entry_script",
    "error_threshold",
    "output_action",
    "node_count",
    "process_count_per_node",
    "mini_batch_size",
    "source_directory",
    "description",
    "logging_level",
    "run_invocation_timeout",
    "run_max_try",
    "append_row_file_name",
    "allowed_failed_count",
    "allowed_failed_percent",
    "partition_keys",
    "environment_variables",
)


class ParallelRunConfig:
    """Every parameter is an attribute. Times are seconds; -1 as a threshold ignores all failures.

    Raises:
        ValueError: a value is out of range; the text names it.
    """

    def __init__(
        self,
        environment: Environment | None,
        entry_script: str,
        error_threshold: int,
        output_action: str,
        compute_target: Any,
        node_count: int,
        process_count_per_node: int | None = None,
        mini_batch_size: str | None = None,
        source_directory: str | None = None,
        description: str | None = None,
        logging_level: str = "INFO",
        run_invocation_timeout: int = 60,
        run_max_try: int = 3,
        append_row_file_name: str | None = None,
        allowed_failed_count: int | None = None,
        allowed_failed_percent: float | None = None,
        partition_keys: list[str] | None = None,
        environment_variables: Mapping[str, str] | None = None,
    ) -> None:
        self.environment, self.compute_target = environment, compute_target
        self.entry_script, self.source_directory = entry_script, source_directory
        self.error_threshold, self.output_action = error_threshold, output_action
        self.node_count, self.process_count_per_node = node_count, process_count_per_node
        self.mini_batch_size, self.partition_keys = mini_batch_size, partition_keys
        self.description, self.logging_level = description, logging_level
        self.run_invocation_timeout, self.run_max_try = run_invocation_timeout, run_max_try
        self.append_row_file_name = append_row_file_name
        self.allowed_failed_count = allowed_failed_count
        self.allowed_failed_percent = allowed_failed_percent
        self._environment_variables = dict(environment_variables or {})
        problems = "; ".join(self._problems())
        if problems:
            raise ValueError(problems)

    @property
    def environment_variables(self) -> dict[str, str]:
        """Variables that the script sees."""
        return self._environment_variables

    @environment_variables.setter
    def environment_variables(self, value: Mapping[str, str] | None) -> None:
        self._environment_variables = dict(value or {})

    def _problems(self) -> Iterator[str]:
        if self.output_action not in _OUTPUT_ACTIONS:
            yield f"output_action is {' or '.join(_OUTPUT_ACTIONS)}, not {self.output_action!r}"
        for name in ("error_threshold", "allowed_failed_count"):
            value = getattr(self, name)
            if value is not None and not (isinstance(value, int) and value >= -1):
                yield f"{name} is a number from -1, not {value!r}"
        percent = self.allowed_failed_percent
        if percent is not None and not 0 <= percent <= 100:
            yield f"allowed_failed_percent is 0 to 100, not {percent}"
        for name in ("node_count", "process_count_per_node", "run_max_try", "run_invocation_timeout"):
            value = getattr(self, name)
            if value is not None and not (isinstance(value, int) and value > 0):
                yield f"{name} is a number above 0, not {value!r}"
        yield from self._batch_problems()

    def _batch_problems(self) -> Iterator[str]:
        size = self.mini_batch_size
        if size is not None and not _BATCH_SIZE.fullmatch(str(size)):
            yield f"mini_batch_size is a count or a size such as '10' or '1MB', not {size!r}"
        if size is not None and self.partition_keys:
            yield "mini_batch_size and partition_keys exclude each other"
        name = self.append_row_file_name
        if name is not None and (not name or Path(name).name != name):
            yield f"append_row_file_name is a plain file name, not {name!r}"

    def save_to_yaml(self, path: str) -> None:
        """Write everything but the environment's packages and the cluster."""
        document = {name: getattr(self, name) for name in _SAVED}
        environment = None if self.environment is None else self.environment.name
        document = {key: value for key, value in document.items() if value is not None}
        Path(path).write_text(
            yaml.safe_dump({"environment": environment, **document}, sort_keys=False), encoding="utf-8"
        )

    @staticmethod
    def load_yaml(workspace: Any, path: str) -> "ParallelRunConfig":
        """Read what ``save_to_yaml`` wrote; the environment is looked up in the workspace by its name."""
        document = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        name = document.pop("environment", None)
        environment = None if name is None else Environment.get(workspace, name)
        return ParallelRunConfig(environment=environment, compute_target=None, **document)
