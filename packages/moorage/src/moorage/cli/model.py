"""``moor model``."""

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from moorage.cli.app import new_section
from moorage.cli.command import command
from moorage.cli.completion import complete_model_ids, complete_models
from moorage.cli.deploy import add_deploy
from moorage.cli.documents import model_details, model_document, model_row, write_document
from moorage.cli.labels import parse_labels
from moorage.cli.model_inspect import add_inspect, guess_framework
from moorage.cli.model_scan import Scan, add_scan, check_policy
from moorage.cli.package import add_package
from moorage.cli.profile import add_profile
from moorage.cli.progress import transfer_progress
from moorage.cli.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from moorage.models import ResourceConfiguration

app = new_section("Register models, look them up, deploy them.")
add_deploy(app)
add_inspect(app)
add_scan(app)
add_package(app)
add_profile(app)

ModelId = Annotated[
    str,
    typer.Option("--model-id", "-i", help="The model, name:version.", autocompletion=complete_model_ids),
]
Cpu = Annotated[float | None, typer.Option("--cpu-cores", "--cc", help="CPU cores that it needs.")]
Memory = Annotated[float | None, typer.Option("--memory-gb", "--gb", help="Memory that it needs, in GB.")]
Gpu = Annotated[int | None, typer.Option("--gpu-cores", "--gc", help="GPUs that it needs.")]
SampleInput = Annotated[str | None, typer.Option(help="Id of a dataset with sample input.")]
SampleOutput = Annotated[str | None, typer.Option(help="Id of a dataset with sample output.")]


@command(
    app,
    "register",
    example="moor model register -n mymodel -p outputs/model.pkl --tag area=diabetes",
    table=model_row,
)
def register(
    session: Session,
    *,
    name: Annotated[str, typer.Option("--name", "-n", help="Name; each registration is a new version.")],
    model_path: Annotated[
        str | None, typer.Option("--model-path", "-p", help="File or folder to register.")
    ] = None,
    tag: Annotated[list[str] | None, typer.Option(metavar="KEY=VALUE", help="Repeatable.")] = None,
    property: Annotated[
        list[str] | None,
        typer.Option("--property", metavar="KEY=VALUE", help="Never changes afterwards. Repeatable."),
    ] = None,
    description: Annotated[str | None, typer.Option("--description", "-d", help="Free text.")] = None,
    model_framework: Annotated[
        str | None, typer.Option(help="Onnx, ScikitLearn, TensorFlow, ..., or Custom; guessed if left out.")
    ] = None,
    model_framework_version: Annotated[str | None, typer.Option(help="For example 1.14.0.")] = None,
    cpu_cores: Cpu = None,
    memory_gb: Memory = None,
    gpu_cores: Gpu = None,
    experiment_name: Annotated[str | None, typer.Option(help="Experiment of the run.")] = None,
    run_id: Annotated[str | None, typer.Option("--run-id", "-r", help="Run that it comes from.")] = None,
    run_metadata_file: Annotated[
        Path | None, typer.Option("--run-metadata-file", "-f", help="JSON file with experiment and run.")
    ] = None,
    asset_path: Annotated[str | None, typer.Option(help="Path among the outputs of a run.")] = None,
    sample_input_dataset_id: SampleInput = None,
    sample_output_dataset_id: SampleOutput = None,
    scan: Scan = None,
    output_metadata_file: Annotated[
        Path | None,
        typer.Option("--output-metadata-file", "-t", help="File that gets the answer too, for deploy -f."),
    ] = None,
) -> Any:
    """Register a file or folder as the next version of a model."""
    from moorage import models
    from moorage.cli.metadata import check_writable, registration_metadata, run_of_file
    from moorage.models.frameworks import doubt

    if (model_path is None) == (asset_path is None):
        raise typer.BadParameter(
            "say which file or folder, on this machine or among the files of a run, one of both",
            param_hint="'--model-path' / '-p' or '--asset-path'",
        )
    check_writable(output_metadata_file)
    if run_metadata_file is not None:
        file_experiment, file_run = run_of_file(run_metadata_file)
        experiment_name, run_id = experiment_name or file_experiment, run_id or file_run
    models.check_model_name(name)
    if question := doubt(model_framework):
        session.warn(question)
    with (
        _source(session, model_path, asset_path, run_id, experiment_name) as (source, experiment_name),
        transfer_progress(f"Registering {name}", session.is_quiet) as show_progress,
    ):
        framework, framework_version = guess_framework(
            session, source, model_framework, model_framework_version
        )
        model = models.register(
            session.workspace,
            source,
            name,
            tags=parse_labels("--tag", tag),
            properties=parse_labels("--property", property),
            description=description,
            framework=framework,
            framework_version=framework_version,
            resources=_resources(cpu_cores, memory_gb, gpu_cores),
            run_id=run_id,
            experiment_name=experiment_name,
            sample_input_dataset_id=sample_input_dataset_id,
            sample_output_dataset_id=sample_output_dataset_id,
            scan=check_policy(scan),
            on_finding=lambda one: session.warn(f"{one.path} {one.what}"),
            on_progress=show_progress,
        )
    if output_metadata_file is not None:
        write_document(output_metadata_file, registration_metadata(session.workspace, model))
    return model_document(model)


@command(app, "list", example="moor model list --tag area=diabetes --latest", table=model_row)
def list_models(
    session: Session,
    *,
    model_name: Annotated[
        str | None,
        typer.Option("--model-name", "-n", help="Only this name.", autocompletion=complete_models),
    ] = None,
    tag: Annotated[list[str] | None, typer.Option(metavar="KEY[=VALUE]", help="Repeatable.")] = None,
    property: Annotated[
        list[str] | None, typer.Option("--property", metavar="KEY[=VALUE]", help="Repeatable.")
    ] = None,
    run_id: Annotated[str | None, typer.Option(help="Only models of this run.")] = None,
    dataset_id: Annotated[str | None, typer.Option(help="Only models with this sample dataset.")] = None,
    latest: Annotated[
        bool, typer.Option("--latest", "-l", help="Of each name only the newest version that matches.")
    ] = False,
    limit: Annotated[int | None, typer.Option(min=0, help="How many at most.")] = None,
    offset: Annotated[int, typer.Option(min=0, help="How many to leave out first.")] = 0,
) -> Any:
    """List model versions, newest first."""
    from moorage import models

    found = models.list_models(
        session.workspace,
        name=model_name,
        tags=tag or (),
        properties=property or (),
        run_id=run_id,
        dataset_id=dataset_id,
        latest=latest,
        offset=offset,
        limit=limit,
    )
    return [model_document(model) for model in found]


@command(app, "show", example="moor model show -i mymodel:1", table=model_row)
def show(
    session: Session,
    *,
    model_id: Annotated[
        str | None,
        typer.Option("--model-id", "-i", help="name:version, or name.", autocompletion=complete_model_ids),
    ] = None,
    model_name: Annotated[
        str | None,
        typer.Option("--model-name", "-n", help="Its newest version.", autocompletion=complete_models),
    ] = None,
    version: Annotated[int | None, typer.Option(help="Together with -n: this version.")] = None,
    run_id: Annotated[str | None, typer.Option(help="Together with -n: the newest of this run.")] = None,
) -> Any:
    """Show one model version with its files."""
    from moorage import models
    from moorage.errors import ModelNotFound

    workspace = session.workspace
    if model_id is not None:
        return model_details(models.get_by_id(workspace, model_id))
    if model_name is None:
        raise typer.BadParameter("say which model", param_hint="'--model-id' / '-i' or '--model-name' / '-n'")
    if run_id is None:
        return model_details(models.get(workspace, model_name, version))
    found = models.list_models(workspace, name=model_name, run_id=run_id)
    for model in found:
        if version in {None, model.version}:
            return model_details(model)
    raise ModelNotFound(model_name, version)


@command(app, "update", example="moor model update -i mymodel:1 --add-tag stage=production", table=model_row)
def update(
    session: Session,
    *,
    model_id: ModelId,
    add_tag: Annotated[list[str] | None, typer.Option(help="key=value; repeatable.")] = None,
    remove_tag: Annotated[list[str] | None, typer.Option(help="Key; repeatable.")] = None,
    add_property: Annotated[
        list[str] | None, typer.Option(help="key=value of a new key; repeatable.")
    ] = None,
    description: Annotated[str | None, typer.Option(help="Replaces the description.")] = None,
    cpu_cores: Cpu = None,
    memory_gb: Memory = None,
    gpu_cores: Gpu = None,
    sample_input_dataset_id: SampleInput = None,
    sample_output_dataset_id: SampleOutput = None,
) -> Any:
    """Change tags, description or default resources of one model version; what is not given stays."""
    from moorage import models

    model = models.update(
        session.workspace,
        model_id,
        add_tags=parse_labels("--add-tag", add_tag),
        remove_tags=remove_tag or (),
        add_properties=parse_labels("--add-property", add_property),
        description=description,
        resources=_resources(cpu_cores, memory_gb, gpu_cores),
        sample_input_dataset_id=sample_input_dataset_id,
        sample_output_dataset_id=sample_output_dataset_id,
    )
    return model_document(model)


@command(app, "download", example="moor model download -i mymodel:1 -t ./models")
def download(
    session: Session,
    *,
    model_id: ModelId,
    target_dir: Annotated[
        str, typer.Option("--target-dir", "-t", help="Folder for the files; made if it is not there.")
    ],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are there.")] = False,
) -> Any:
    """Copy the files of a model version into a folder. Every file is checked on the way."""
    from moorage import models

    with transfer_progress(f"Downloading {model_id}", session.is_quiet) as show_progress:
        path = models.download(
            session.workspace, model_id, target_dir, exist_ok=overwrite, on_progress=show_progress
        )
    return {"id": model_id, "path": str(path.absolute())}


@command(app, "delete", example="moor model delete -i mymodel:1")
def delete(session: Session, model_id: ModelId) -> Any:
    """Delete one model version. Refused while a service uses it."""
    from moorage import models
    from moorage.models.model import parse_model_id

    if parse_model_id(model_id)[1] is None:
        raise typer.BadParameter(
            f"{model_id!r} names no version; write {model_id}:1", param_hint="'--model-id' / '-i'"
        )
    models.delete(session.workspace, model_id)
    return {"id": model_id, "deleted": True}


def _resources(
    cpu_cores: float | None, memory_gb: float | None, gpu_count: int | None
) -> "ResourceConfiguration | None":
    from moorage.models import ResourceConfiguration

    if cpu_cores is None and memory_gb is None and gpu_count is None:
        return None
    return ResourceConfiguration(cpu_cores, memory_gb, gpu_count)


@contextmanager
def _source(
    session: Session,
    model_path: str | None,
    asset_path: str | None,
    run_id: str | None,
    experiment_name: str | None,
) -> "Iterator[tuple[str, str | None]]":
    """Give the path to register and the name of the experiment; a file of a run is fetched for the time."""
    if asset_path is None:
        yield str(model_path), experiment_name
        return
    if run_id is None:
        raise typer.BadParameter(
            f"{asset_path} is a file of a run; say of which",
            param_hint="'--run-id' / '-r' or '--run-metadata-file' / '-f'",
        )
    import tempfile

    from moorage import runs

    tracking = runs.open_tracking(session.workspace)
    run = runs.run_of(tracking, run_id, experiment_name)
    with tempfile.TemporaryDirectory() as aside:
        found = runs.download_files(tracking, run.id, asset_path, Path(aside))
        yield str(found), tracking.experiment_of(run).name
