"""``azureml.core.run.Run`` where there is no run: inside a service."""

import logging
import uuid
from typing import Any, Dict

from .exceptions import RunEnvironmentException

logger = logging.getLogger("azmlinfsrv.run")


class OfflineRun:
    """Accepts the calls by which training code reports, writes them to the log at DEBUG, keeps nothing."""

    def __init__(self) -> None:
        self.id = "OfflineRun_%s" % uuid.uuid4()
        self.name = self.number = None
        self.tags: Dict[str, Any] = {}
        self.properties: Dict[str, Any] = {}
        self.input_datasets: Dict[str, Any] = {}
        self.output_datasets: Dict[str, Any] = {}

    run_id = property(lambda self: self.id)
    status = property(lambda self: "Running")

    def __enter__(self) -> "OfflineRun":
        return self

    def __exit__(self, *details: Any) -> None:
        pass

    def _ignore(self, *args: Any, **kwargs: Any) -> None:
        logger.debug("ignored, a service has no run: %r %r", args, kwargs)

    log = log_list = log_row = log_table = log_image = log_confusion_matrix = log_accuracy_table = _ignore
    log_predictions = log_residuals = tag = remove_tags = set_tags = add_properties = _ignore
    upload_file = upload_files = upload_folder = flush = complete = fail = cancel = _ignore

    def child_run(self, name: Any = None, run_id: Any = None, outputs: Any = None) -> "OfflineRun":
        return OfflineRun()

    def get_metrics(self, *args: Any, **kwargs: Any) -> Dict[str, Any]:
        return {}

    get_tags = get_properties = get_details = get_metrics

    def get_status(self) -> str:
        return "Running"

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(
            "a service has no run, so %r is not available; give what it holds to the script as a file or "
            "an environment variable" % name
        )


class Run:
    """Only ``get_context()`` is of use inside a service."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise RunEnvironmentException("Run objects are not available inside a service.")

    @classmethod
    def get_context(
        cls, allow_offline: bool = True, used_for_context_manager: bool = False, **kwargs: Any
    ) -> OfflineRun:
        """Return a run that keeps nothing.

        Raises:
            RunEnvironmentException: ``allow_offline`` is False.
        """
        if not allow_offline:
            raise RunEnvironmentException("a service has no run")
        return OfflineRun()


def get_run(*args: Any, **kwargs: Any) -> Any:
    raise RunEnvironmentException("runs cannot be looked up inside a service")
