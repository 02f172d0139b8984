"""``moor model profile``."""

from pathlib import Path
from typing import Annotated, Any

import typer

from moorage.cli.command import FAILED, command
from moorage.cli.deploy import (
    EnvironmentFolder,
    EnvironmentName,
    EnvironmentVersion,
    InferenceFile,
    ModelFiles,
    Models,
)
from moorage.cli.deploy_flags import SCRIPT_FLAGS
from moorage.cli.documents import write_document
from moorage.cli.output import Answer
from moorage.cli.session import Session


def add_profile(app: typer.Typer) -> None:
    """Add the command to the section of models."""
    command(
        app,
        "profile",
        example="moor model profile -n myprofile -m mymodel:1 --ic inferenceconfig.json -d '{\"data\": [1]}'",
        table=profile_row,
        extra={flag.name: flag.parameter() for flag in SCRIPT_FLAGS},
    )(profile)


def profile_row(document: Any) -> dict[str, Any]:
    """Return the columns of a table."""
    latency = document.get("latencyPercentile50InMs")
    return {
        "Name": document["name"],
        "State": document["state"],
        "Requests": document.get("totalQueries"),
        "Median": None if latency is None else f"{latency:.2f} ms",
        "Per second": None if latency is None else f"{document['measuredQueriesPerSecond']:.0f}",
        "CPU": document.get("recommendedCpu"),
        "Memory": document.get("recommendedMemoryInGB"),
    }


def profile(
    session: Session,
    *,
    name: Annotated[str, typer.Option("--name", "-n", help="Name of the profile.")],
    model: Models = None,
    model_metadata_file: ModelFiles = None,
    inference_config_file: InferenceFile = None,
    environment_name: EnvironmentName = None,
    environment_version: EnvironmentVersion = None,
    environment_directory: EnvironmentFolder = None,
    input_dataset_id: Annotated[
        str | None,
        typer.Option("--input-dataset-id", "--idi", help="Id of a table of one column, each row a request."),
    ] = None,
    input_data: Annotated[
        str | None, typer.Option("--input-data", "-d", help="The text of one request, sent again and again.")
    ] = None,
    cpu_cores: Annotated[
        float | None, typer.Option("--cpu-cores", "--cc", help="Cores to note with the profile.")
    ] = None,
    memory_in_gb: Annotated[
        float | None, typer.Option("--memory-in-gb", "--gb", help="GB to note with the profile.")
    ] = None,
    description: Annotated[str | None, typer.Option(help="Free text.")] = None,
    output_metadata_file: Annotated[
        Path | None,
        typer.Option(
            "--output-metadata-file", "-t", help="File that gets the result, for model deploy --pi."
        ),
    ] = None,
    **flags: Any,
) -> Any:
    """Run a service for a while beside all others, measure it, and recommend CPU and memory.

    Exit code 1 if no request succeeded.
    """
    from moorage import profiling
    from moorage.cli import detached
    from moorage.cli.deployment import Wishes, chosen_models, inference_config
    from moorage.cli.metadata import check_writable
    from moorage.errors import InvalidArgument

    check_writable(output_metadata_file)
    wishes = Wishes(
        inference_config_file=inference_config_file,
        environment_name=environment_name,
        environment_version=environment_version,
        environment_directory=environment_directory,
        flags=flags,
    )
    script = inference_config(session, wishes)
    if script is None:
        raise InvalidArgument(
            "--inference-config-file", "give an inference configuration file (--ic) or the script (--es)"
        )
    if (input_data is None) == (input_dataset_id is None):
        raise InvalidArgument("--input-data", "give a request (-d) or the id of a data set (--idi)")
    made = profiling.profile(
        session.workspace,
        name,
        chosen_models(model, model_metadata_file),
        script,
        _requests(session, input_data, input_dataset_id),
        cpu_cores=cpu_cores,
        memory_gb=memory_in_gb,
        description=description,
        input_dataset_id=input_dataset_id,
        on_event=detached.telling(session),
    )
    document = made.details()
    if output_metadata_file is not None:
        write_document(output_metadata_file, document)
    return Answer(document, exit_code=0 if made.state == "Succeeded" else FAILED)


def _requests(session: Session, text: str | None, dataset_id: str | None) -> list[bytes]:
    from moorage import datasets, profiling

    if text is not None:
        return [text.encode()]
    found = datasets.get_by_id(session.workspace, str(dataset_id))
    return profiling.requests_of(session.workspace, found)
