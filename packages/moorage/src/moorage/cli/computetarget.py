"""``moor computetarget``."""

from typing import Annotated, Any

import typer

from moorage.cli.app import new_section
from moorage.cli.command import command
from moorage.cli.session import Session
from moorage.cli.unavailable import Unavailable, add_unavailable
from moorage.errors import ComputeTargetNotFound

app = new_section("Machines and clusters beside this one. None can be attached yet.")
attach = new_section("Attach a cluster.")
create = new_section("Create a cluster.")
update = new_section("Change a cluster.")
app.add_typer(attach, name="attach")
app.add_typer(create, name="create")
app.add_typer(update, name="update")

INSTEAD = "clusters cannot be attached yet; moor model deploy runs services on this machine without one."
Name = Annotated[str, typer.Option("--name", "-n", help="Name of the target.")]
TLS = (
    "--ssl-cname --ssl-cert-file --ssl-key-file --ssl-leaf-domain-label --ssl-overwrite-domain* "
    "--load-balancer-subnet --load-balancer-type --no-wait*"
)
NETWORK = "--subnet-name --vnet-name --vnet-resourcegroup-name --location/-l"

add_unavailable(
    attach,
    "computetarget attach",
    [
        Unavailable("aks", "Attached an AKS cluster.", INSTEAD, "--compute-resource-id/-i! --name/-n!"),
        Unavailable(
            "kubernetes",
            "Attached a Kubernetes cluster.",
            INSTEAD,
            "--compute-resource-id/-i! --name/-n! --namespace",
        ),
    ],
)
add_unavailable(
    create,
    "computetarget create",
    [
        Unavailable(
            "aks",
            "Created an AKS cluster.",
            INSTEAD,
            "--name/-n! --agent-count/-a --cluster-purpose --vm-size/-s --dns-service-ip "
            f"--docker-bridge-cidr --service-cidr {TLS} {NETWORK}",
        ),
        Unavailable(
            "amlcompute",
            "Created a cluster for batch work.",
            "training and batch clusters are not part of Moorage; run the script with Python on a machine of "
            "yours.",
            "--name/-n! --max-nodes! --vm-size/-s! --min-nodes --vm-priority/-p "
            "--idle-seconds-before-scaledown --admin-username "
            "--admin-user-password --admin-user-ssh-key --remote-login-port-public-access "
            f"--assign-identity --enable-node-public-ip --description --tag --no-wait* {NETWORK}",
        ),
    ],
)
add_unavailable(
    update,
    "computetarget update",
    [
        Unavailable(
            "aks",
            "Changed TLS and load balancer of a cluster.",
            INSTEAD,
            f"--name/-n! --ssl-disable* --ssl-renew* {TLS}",
        )
    ],
)


@command(app, "list", example="moor computetarget list")
def list_targets(session: Session) -> Any:
    """List the attached targets: none, because services run on this machine."""
    _ = session.workspace  # a workspace that does not exist is said, as everywhere
    return []


def _missing(session: Session, *, name: Name) -> Any:
    _ = session.workspace
    raise ComputeTargetNotFound(name)


def show(session: Session, *, name: Name) -> Any:
    """Show an attached target. None can be attached yet."""
    return _missing(session, name=name)


def delete(session: Session, *, name: Name) -> Any:
    """Delete a target that the workspace created. There is none."""
    return _missing(session, name=name)


def detach(session: Session, *, name: Name) -> Any:
    """Let go of an attached target. There is none."""
    return _missing(session, name=name)


def get_credentials(session: Session, *, name: Name) -> Any:
    """Print the credentials of a cluster. There is none; kubectl has its own."""
    return _missing(session, name=name)


for function in (show, delete, detach, get_credentials):
    word = function.__name__.replace("_", "-")
    command(app, word, example=f"moor computetarget {word} -n mycluster")(function)
