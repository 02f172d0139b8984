"""``moor endpoint realtime``: services of compute type ``aksendpoint``.

An endpoint has one version here, its service. Several versions with shares of the traffic are not built.
"""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from moorage.cli.app import new_section
from moorage.cli.command import command
from moorage.cli.completion import complete_services
from moorage.cli.documents import service_document, service_row
from moorage.cli.keys import add_keys
from moorage.cli.labels import parse_labels, parse_truth
from moorage.cli.session import Session
from moorage.cli.unavailable import Unavailable, add_unavailable

if TYPE_CHECKING:
    from moorage.services import Service

app = new_section("Endpoints.")
realtime = new_section("Endpoints for single requests. Each is one service.")
app.add_typer(realtime, name="realtime")
add_keys(realtime, "endpoint realtime")

Name = Annotated[
    str, typer.Option("--name", "-n", help="Name of the endpoint.", autocompletion=complete_services)
]
COMPUTE_TYPE = "AKSENDPOINT"


@command(realtime, "list", example="moor endpoint realtime list", table=service_row)
def list_endpoints(
    session: Session,
    *,
    compute_type: Annotated[
        str | None, typer.Option("--compute-type", "-c", help="Only endpoints of this type.")
    ] = None,
    model_name: Annotated[str | None, typer.Option(help="Only with a model of this name.")] = None,
    model_id: Annotated[str | None, typer.Option(help="Only with this model.")] = None,
    tag: Annotated[list[str] | None, typer.Option(metavar="KEY[=VALUE]", help="Repeatable.")] = None,
    property: Annotated[
        list[str] | None, typer.Option("--property", metavar="KEY[=VALUE]", help="Repeatable.")
    ] = None,
) -> Any:
    """List the services that were deployed with computeType aksendpoint."""
    from moorage import services

    if compute_type is not None and compute_type.upper() != COMPUTE_TYPE:
        return []
    found = services.list_services(
        session.workspace,
        compute_type=COMPUTE_TYPE,
        model_name=model_name,
        model_id=model_id,
        tags=tag or (),
        properties=property or (),
    )
    return [endpoint_document(one) for one in found]


@command(realtime, "show", example="moor endpoint realtime show -n myendpoint", table=service_row)
def show(session: Session, *, name: Name) -> Any:
    """Show an endpoint: state, address, its version."""
    return endpoint_document(_endpoint(session, name))


@command(realtime, "run", example="moor endpoint realtime run -n myendpoint -d @testdata.json")
def run(
    session: Session,
    *,
    name: Name,
    input_data: Annotated[
        str, typer.Option("--input-data", "-d", help="Body of the request; @file takes it from a file.")
    ] = "",
) -> Any:
    """Send one request to an endpoint and print its answer."""
    from moorage.cli.service import run as run_service

    return run_service(session, name=_endpoint(session, name).name, input_data=input_data)


@command(
    realtime, "update", example="moor endpoint realtime update -n myendpoint --add-tag a=b", table=service_row
)
def update(
    session: Session,
    *,
    name: Name,
    description: Annotated[str | None, typer.Option("--description", "-d", help="Free text.")] = None,
    add_tag: Annotated[list[str] | None, typer.Option(metavar="KEY=VALUE", help="Repeatable.")] = None,
    remove_tag: Annotated[list[str] | None, typer.Option(metavar="KEY", help="Repeatable.")] = None,
    add_property: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="A new key. Repeatable.")
    ] = None,
    auth_enabled: Annotated[
        str | None, typer.Option("--auth-enabled", "--ae", metavar="true|false", help="Ask for a key.")
    ] = None,
    token_auth_enabled: Annotated[
        str | None, typer.Option("--token-auth-enabled", metavar="true|false", help="Ask for a token.")
    ] = None,
    enable_app_insights: Annotated[
        str | None, typer.Option("--enable-app-insights", "--ai", metavar="true|false", help="Telemetry.")
    ] = None,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Accepted; this takes a moment.")] = False,
) -> Any:
    """Change what all versions share: authentication, telemetry, labels, description."""
    from dataclasses import replace

    from moorage import services
    from moorage.cli.detached import telling
    from moorage.deployments import KubernetesConfig

    settings: dict[str, Any] = {
        "auth_enabled": parse_truth("--auth-enabled", auth_enabled),
        "token_auth_enabled": parse_truth("--token-auth-enabled", token_auth_enabled),
        "app_insights_enabled": parse_truth("--enable-app-insights", enable_app_insights),
    }
    given = {key: value for key, value in settings.items() if value is not None}
    current = _endpoint(session, name).asked_config
    changed = replace(current, **given) if given and isinstance(current, KubernetesConfig) else None
    service = services.update(
        session.workspace,
        name,
        deployment_config=changed,
        add_tags=parse_labels("--add-tag", add_tag),
        remove_tags=remove_tag or (),
        properties=parse_labels("--add-property", add_property) or None,
        description=description,
        on_event=telling(session),
    )
    return endpoint_document(service)


@command(realtime, "delete", example="moor endpoint realtime delete -n myendpoint")
def delete(session: Session, *, name: Name) -> Any:
    """Stop an endpoint and delete it. Models and environments stay."""
    from moorage.cli.service import delete as delete_service

    return delete_service(session, name=_endpoint(session, name).name)


@command(realtime, "get-logs", example="moor endpoint realtime get-logs -n myendpoint")
def get_logs(
    session: Session,
    *,
    name: Name,
    num_lines: Annotated[
        int, typer.Option("--num_lines", "--num-lines", "-l", min=0, help="How many, from the end.")
    ] = 5000,
    init: Annotated[bool, typer.Option("--init", "-i", help="What was printed until it was ready.")] = False,
) -> Any:
    """Print what an endpoint, and its entry script, have printed."""
    from moorage.cli.service import _logs

    return _logs(session, name=_endpoint(session, name).name, num_lines=num_lines, init=init)


VERSION = (
    "--name/-n! --version-name/--vn! --add-property --add-tag --autoscale-refresh-seconds/--ar "
    "--autoscale-enabled/--as --autoscale-target-utilization/--at --autoscale-max-replicas/--ma "
    "--autoscale-min-replicas/--mi --cpu-cores/--cc --cpu-cores-limit/--ccl --conda-file/--cf "
    "--collect-model-data/--md --is-control-version-type/--cvt --deploy-config-file/--dc --description/-d "
    "--environment-directory/--ed --entry-script/--es --environment-name/-e --environment-version/--ev "
    "--failure-threshold/--ft --memory-gb/--gb --memory-gb-limit/--gbl --gpu-cores/--gc "
    "--inference-config-file/--ic --initial-delay-seconds/--id --is-default --max-request-wait-time/--mr "
    "--model/-m --model-metadata-file/-f --no-wait* --num-replicas/--nr --period-seconds/--ps "
    "--replica-max-concurrent-requests/--rm --scoring-timeout-ms/--tm --source-directory/--sd "
    "--success-threshold/--st --timeout-seconds/--ts --traffic-percentile/--tp"
)
INSTEAD = (
    "an endpoint has one version here; moor service update puts a new model into it without losing a request."
)
add_unavailable(
    realtime,
    "endpoint realtime",
    [
        Unavailable("create-version", "Added a version to an endpoint.", INSTEAD, VERSION),
        Unavailable("update-version", "Changed a version of an endpoint.", INSTEAD, VERSION),
        Unavailable(
            "delete-version",
            "Removed a version of an endpoint.",
            INSTEAD,
            "--name/-n! --version-name/--vn! --no-wait*",
        ),
    ],
)


def endpoint_document(service: "Service") -> dict[str, Any]:
    """Return what list, show and update print: the service, and itself as the only version."""
    document = service_document(service)
    name = getattr(service.asked_config, "version_name", None) or service.name
    is_control = getattr(service.asked_config, "is_control_version", False)
    version = {
        **document,
        "name": name,
        "isDefault": True,
        "trafficPercentile": 100,
        "type": "Control" if is_control else "Treatment",
    }
    return {**document, "variants": [version]}


def _endpoint(session: Session, name: str) -> "Service":
    from moorage import services
    from moorage.errors import ServiceNotFound

    service = services.get(session.workspace, name)
    if service.compute_type != COMPUTE_TYPE:
        raise ServiceNotFound(name)
    return service
