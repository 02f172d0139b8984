"""Widgets of notebooks: what they showed is printed."""

from typing import Any

__all__ = ["RunDetails"]


class RunDetails:
    """Shows a run: its state, its metrics and its files."""

    def __init__(self, run_instance: Any) -> None:
        self._run = run_instance

    def show(self, render_lib: Any = None, widget_settings: Any = None) -> None:
        """Print them."""
        run = self._run
        print(f"Run {run.id}: {run.get_status()}")
        for name, value in run.get_metrics().items():
            print(f"  {name}: {value}")
        for name in run.get_file_names():
            print(f"  file {name}")

    def get_widget_data(self, widget_settings: Any = None) -> dict[str, Any]:
        """Return the same as a dictionary."""
        run = self._run
        return {"status": run.get_status(), "run_metrics": run.get_metrics(), "run_id": run.id}
