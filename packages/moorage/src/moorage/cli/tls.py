"""``moor tls``."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from moorage.cli.app import new_section
from moorage.cli.command import command
from moorage.cli.session import Session

app = new_section("Certificates for services that speak TLS.")


def _row(document: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "Certificate": document["sslCertificate"],
        "Key": document["sslKey"],
        "Names": ", ".join(document["names"]),
        "Expires": document["expiresAt"],
    }


@command(app, "self-signed", example="moor tls self-signed --folder tls --name localhost", table=_row)
def self_signed(
    session: Session,
    *,
    folder: Annotated[Path, typer.Option(help="Folder for tls.crt and tls.key.")] = Path("tls"),
    name: Annotated[
        list[str] | None,
        typer.Option(
            "--name",
            "-n",
            help="Host name or address; may be repeated. Default: those of this machine alone.",
        ),
    ] = None,
    days: Annotated[int, typer.Option(help="How long it is valid.")] = 365,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the files: services that use them take the new ones.")
    ] = False,
) -> Any:
    """Make a certificate that nobody else vouches for, and its key: for development.

    Clients have to be told to trust it, as in: curl --cacert tls/tls.crt https://localhost:PORT/
    """
    from moorage.deployments.self_signed import make_self_signed

    made = make_self_signed(folder, name or (), days=days, overwrite=overwrite)
    return {
        "sslCertificate": str(made.certificate.absolute()),
        "sslKey": str(made.key.absolute()),
        "names": list(made.names),
        "expiresAt": made.expires_at.isoformat(),
    }
