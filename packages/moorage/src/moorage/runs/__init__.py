"""Experiments and runs, kept by MLflow: in a database of the workspace, or by a tracking server."""

from moorage.runs.files import download_files, list_files, upload_file
from moorage.runs.logs import read_logs, save_logs
from moorage.runs.metrics import log_metric, log_value, read_metrics
from moorage.runs.queries import newest, run_of
from moorage.runs.records import Experiment, Run, check_experiment_name
from moorage.runs.tracking import Tracking, open_tracking

__all__ = [
    "Experiment",
    "Run",
    "Tracking",
    "check_experiment_name",
    "download_files",
    "list_files",
    "log_metric",
    "log_value",
    "newest",
    "open_tracking",
    "read_logs",
    "read_metrics",
    "run_of",
    "save_logs",
    "upload_file",
]
