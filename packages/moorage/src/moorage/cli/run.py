"""``moor run``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from moorage.cli.app import new_section
from moorage.cli.command import command
from moorage.cli.labels import labels_with_bare_keys
from moorage.cli.output import Answer
from moorage.cli.session import Session
from moorage.cli.unavailable import Unavailable, add_unavailable

if TYPE_CHECKING:
    from moorage.runs import Run, Tracking

app = new_section("Look up runs, which MLflow keeps.")

RunId = Annotated[str, typer.Option("--run", "-r", help="Id of the run.")]
ExperimentName = Annotated[
    str | None, typer.Option("--experiment-name", "-e", help="Experiment that the run belongs to.")
]


def run_row(document: Any) -> dict[str, Any]:
    return {
        "Run": document["runId"],
        "Experiment": document["experimentName"],
        "Status": document["status"],
        "Started": document["startTimeUtc"][:19].replace("T", " "),
    }


@command(
    app,
    "list",
    example="moor run list -e training --status Completed",
    table=run_row,
    writes_metadata=True,
)
def list_runs(
    session: Session,
    *,
    experiment_name: ExperimentName = None,
    last: Annotated[int, typer.Option("--last", min=1, help="How many of the newest.")] = 10,
    status: Annotated[
        str | None, typer.Option(help="Only this state: Running, Completed, Failed or Canceled.")
    ] = None,
    tags: Annotated[str | None, typer.Option(metavar="KEY[=VALUE]", help="Only runs with this tag.")] = None,
    parent_run_id: Annotated[str | None, typer.Option(help="Only children of this run.")] = None,
    pipeline_run_id: Annotated[str | None, typer.Option(help="Likewise.")] = None,
    compute_target_name: Annotated[
        str | None, typer.Option(help="Runs have no compute target here: finds none.")
    ] = None,
    minimal: Annotated[bool, typer.Option("--minimal", help="Fewer keys for each run.")] = False,
) -> Any:
    """List the newest runs, of one experiment or of all."""
    from moorage import runs

    tracking = runs.open_tracking(session.workspace)
    if compute_target_name is not None:
        return []
    found = runs.newest(
        tracking,
        experiment_name=experiment_name,
        limit=last,
        status=status,
        tags=labels_with_bare_keys(tags),
        parent_id=parent_run_id or pipeline_run_id,
    )
    return [run_document(tracking, one, is_minimal=minimal) for one in found]


@command(app, "show", example="moor run show -r 4f7c", table=run_row, writes_metadata=True)
def show(session: Session, *, run: RunId, experiment_name: ExperimentName = None) -> Any:
    """Show a run with its metrics and files. Its id goes into model register --run-id."""
    from moorage import runs

    tracking = runs.open_tracking(session.workspace)
    found = runs.run_of(tracking, run, experiment_name)
    document = run_document(tracking, found)
    return {
        **document,
        "metrics": dict(runs.read_metrics(tracking, found.id)),
        "files": runs.list_files(tracking, found.id),
    }


@command(
    app,
    "update",
    example="moor run update -r 4f7c --add-tag quality=good",
    table=run_row,
    writes_metadata=True,
)
def update(
    session: Session,
    *,
    run: RunId,
    experiment_name: ExperimentName = None,
    add_tag: Annotated[list[str] | None, typer.Option(metavar="KEY[=VALUE]", help="Repeatable.")] = None,
) -> Any:
    """Add tags to a run."""
    from moorage import runs

    tracking = runs.open_tracking(session.workspace)
    found = runs.run_of(tracking, run, experiment_name)
    tags = {key: value or "" for text in add_tag or () for key, value in labels_with_bare_keys(text).items()}
    return run_document(tracking, tracking.change(found.id, add_tags=tags))


@command(app, "cancel", example="moor run cancel -r 4f7c", table=run_row, writes_metadata=True)
def cancel(session: Session, *, run: RunId, experiment_name: ExperimentName = None) -> Any:
    """Set the state of a run to Canceled. The program that logs into it is not stopped."""
    from moorage import runs

    tracking = runs.open_tracking(session.workspace)
    found = runs.run_of(tracking, run, experiment_name)
    return run_document(tracking, tracking.finish(found.id, "Canceled"))


@command(app, "monitor-logs", example="moor run monitor-logs -r 4f7c", writes_metadata=True)
def monitor_logs(session: Session, *, run: RunId, experiment_name: ExperimentName = None) -> Any:
    """Print the log files that a run has uploaded (below logs/ or azureml-logs/)."""
    from moorage import runs

    tracking = runs.open_tracking(session.workspace)
    found = runs.run_of(tracking, run, experiment_name)
    text = runs.read_logs(tracking, found.id) or f"run {found.id} has uploaded no logs"
    return Answer(None, text=text, is_text=True)


@command(app, "download-logs", example="moor run download-logs -r 4f7c -d ./logs", writes_metadata=True)
def download_logs(
    session: Session,
    *,
    run: RunId,
    output_dir: Annotated[Path, typer.Option("--output-dir", "-d", help="Folder for the files.")],
    experiment_name: ExperimentName = None,
) -> Any:
    """Write the log files that a run has uploaded into a folder."""
    from moorage import runs

    tracking = runs.open_tracking(session.workspace)
    found = runs.run_of(tracking, run, experiment_name)
    files = runs.save_logs(tracking, found.id, output_dir)
    return {"runId": found.id, "directory": str(output_dir.absolute()), "files": files}


add_unavailable(
    app,
    "run",
    [
        Unavailable(
            "submit-script",
            "Sent a training script to a cluster.",
            "run the script with Python; what it logs with Experiment.start_logging() is kept in the "
            "workspace, and moor run list finds the run.",
            "--async* --conda-dependencies/-d --target/--ct --experiment-name/-e "
            "--run-configuration-name/-c --source-directory",
            writes_metadata=True,
            takes_words=True,
        )
    ],
)


def run_document(tracking: "Tracking", run: "Run", *, is_minimal: bool = False) -> dict[str, Any]:
    """Return what list, show and update print."""
    from moorage.cli.documents import time_text

    short = {
        "experimentName": tracking.experiment_of(run).name,
        "runId": run.id,
        "startTimeUtc": time_text(run.started_at),
        "status": run.status,
    }
    if is_minimal:
        return short
    return {
        **short,
        "description": run.description,
        "endTimeUtc": time_text(run.ended_at),
        "error": run.error,
        "name": run.name,
        "parentRunId": run.parent_id,
        "properties": dict(run.properties),
        "tags": dict(run.tags),
    }
