"""``moor service get-keys``, ``regen-key`` and ``get-access-token``."""

import sys
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from moorage.cli.command import command
from moorage.cli.session import Session

Name = Annotated[str, typer.Option("--name", "-n", help="Name of the service.")]


def _keys_row(document: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"Primary": document["primaryKey"], "Secondary": document["secondaryKey"]}


def _token_row(document: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"Token": document["accessToken"], "Refresh after": document["refreshAfter"]}


def add_keys(app: typer.Typer, prefix: str = "service") -> None:
    """Add the commands to a section; ``prefix`` is what one types before their names."""

    @command(
        app,
        "get-keys",
        example=f"moor {prefix} get-keys -n diabetes --query primaryKey -o tsv",
        table=_keys_row,
    )
    def get_keys(session: Session, *, name: Name) -> Any:
        """Print the two keys of a service; either of them opens it."""
        from moorage import services

        return _keys(services.get_keys(session.workspace, name))

    @command(app, "regen-key", example=f"moor {prefix} regen-key -n diabetes -k Primary", table=_keys_row)
    def regen_key(
        session: Session,
        *,
        name: Name,
        key: Annotated[str, typer.Option("--key", "-k", metavar="Primary|Secondary", help="Which one.")],
        set_key: Annotated[
            str | None,
            typer.Option(
                "--set-key",
                "-s",
                metavar="KEY|@FILE|-",
                help="The new key. Others on this machine see arguments: better from a file, or from "
                "standard input (-). Default: a generated one.",
            ),
        ] = None,
    ) -> Any:
        """Replace one key of a service. The other one stays valid; nothing is restarted."""
        from moorage import services

        which = key.lower()
        if which not in ("primary", "secondary"):
            raise typer.BadParameter(f"{key!r} is neither Primary nor Secondary", param_hint="'--key' / '-k'")
        made = services.regen_key(session.workspace, name, which, _given(set_key))  # type: ignore[arg-type]
        return _keys(made)

    @command(app, "get-access-token", example=f"moor {prefix} get-access-token -n diabetes", table=_token_row)
    def get_access_token(session: Session, *, name: Name) -> Any:
        """Print a token for a service that asks for one: valid for an hour, to be fetched anew after half."""
        from moorage import services

        token = services.get_token(session.workspace, name)
        return {
            "accessToken": token.token,
            "tokenType": "Bearer",
            "refreshAfter": token.refresh_by.isoformat(),
            "expiryOn": token.expiry_on.isoformat(),
        }


def _keys(keys: tuple[str, str]) -> dict[str, str]:
    return {"primaryKey": keys[0], "secondaryKey": keys[1]}


def _given(value: str | None) -> str | None:
    """Return the key that an option means; a file (@FILE) was read before, as for every option."""
    if value == "-":
        return sys.stdin.readline().rstrip("\r\n")
    return value
