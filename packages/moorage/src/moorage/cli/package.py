"""``moor model package``."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from moorage.cli.command import command
from moorage.cli.deploy import (
    EnvironmentFolder,
    EnvironmentName,
    EnvironmentVersion,
    InferenceFile,
    ModelFiles,
    Models,
)
from moorage.cli.deploy_flags import SCRIPT_FLAGS
from moorage.cli.session import Session


def add_package(app: typer.Typer) -> None:
    """Add the command to the section of models."""
    command(
        app,
        "package",
        example="moor model package -m mymodel:1 --ic inferenceconfig.json --output-path ./imagefiles",
        table=package_row,
        extra={flag.name: flag.parameter() for flag in SCRIPT_FLAGS},
    )(package)


def package_row(document: Any) -> dict[str, Any]:
    """Return the columns of a table."""
    return {"Location": document["location"], "Type": document["packageType"]}


def package(
    session: Session,
    *,
    model: Models = None,
    model_metadata_file: ModelFiles = None,
    inference_config_file: InferenceFile = None,
    environment_name: EnvironmentName = None,
    environment_version: EnvironmentVersion = None,
    environment_directory: EnvironmentFolder = None,
    image_name: Annotated[
        str | None, typer.Option("--image-name", "--in", help="Name of the image. Default: package.")
    ] = None,
    image_label: Annotated[
        str | None, typer.Option("--image-label", "--il", help="Its label. Default: the time.")
    ] = None,
    output_path: Annotated[
        Path | None,
        typer.Option("--output-path", help="Empty folder for Dockerfile and files; no image is built then."),
    ] = None,
    wheels: Annotated[
        Path | None,
        typer.Option("--wheels", help="Folder of wheels that all packages come from; nothing is downloaded."),
    ] = None,
    push: Annotated[
        bool,
        typer.Option("--push", help="Push the image to the registry in its name, as `podman push` would."),
    ] = False,
    iot_edge: Annotated[
        Path | None,
        typer.Option(
            "--iot-edge", help="File to write: the deployment manifest for IoT Edge with this image."
        ),
    ] = None,
    edge_module: Annotated[
        str | None, typer.Option("--edge-module", help="Name of the module. Default: the image's.")
    ] = None,
    edge_source: Annotated[
        str | None,
        typer.Option(
            "--edge-source", metavar="MODULE/OUTPUT", help="Whose messages are routed to the model."
        ),
    ] = None,
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="Accepted; the command returns when the package is made.")
    ] = False,
    **flags: Any,
) -> Any:
    """Make an image of models and script that runs without Moorage, or the files of one.

    Models of a framework that is served without a script need none.
    """
    from moorage import packaging
    from moorage.cli.deployment import Wishes, chosen_models, inference_config
    from moorage.errors import DownloadTargetExists, InvalidArgument

    wishes = Wishes(
        inference_config_file=inference_config_file,
        environment_name=environment_name,
        environment_version=environment_version,
        environment_directory=environment_directory,
        flags=flags,
    )
    script = inference_config(session, wishes)
    chosen = chosen_models(model, model_metadata_file)
    if script is None and not chosen:
        text = "give an inference configuration file (--ic) or the script (--es), or a model that needs none"
        raise InvalidArgument("--inference-config-file", text)
    if output_path is not None:
        packaging.check_free(output_path)
    edge = None
    if iot_edge is not None:
        # Before anything is built: what no device can run is known by its name.
        name = packaging.image_location(image_name, image_label or "latest")
        edge = packaging.manifest(name, module=edge_module, source=edge_source)
        if output_path is not None:
            raise InvalidArgument("--iot-edge", "a device needs an image; leave out --output-path")
        if iot_edge.exists():
            raise DownloadTargetExists(f"{iot_edge} exists already; choose another file")
    made = packaging.package(
        session.workspace,
        chosen,
        script,
        generate_dockerfile=output_path is not None,
        image_name=image_name,
        image_label=image_label,
        wheels=wheels,
        push=True if push else None,
        on_line=session.say,
    )
    for notice in made.notices:
        session.warn(notice)
    if iot_edge is not None and edge is not None:
        edge = packaging.manifest(made.location, module=edge_module, source=edge_source)
        iot_edge.write_text(json.dumps(edge, indent=2) + "\n", encoding="utf-8")
        session.say(f"the deployment manifest is {iot_edge}")
    location = made.location if output_path is None else str(packaging.save(made, output_path).absolute())
    return {
        "id": made.id,
        "location": location,
        "packageType": "Image" if made.is_image else "DockerBuildContext",
        "modelIds": list(made.models),
        "imageId": made.image_id,
        "sizeBytes": made.size_bytes,
        "digest": made.digest,
    }
