"""``moor service`` promote and mirror: a revision beside the one that serves."""

import math
import re
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from moorage.cli.command import command
from moorage.cli.documents import service_document, service_row
from moorage.cli.output import Answer
from moorage.cli.service import Name, app
from moorage.cli.session import Session
from moorage.errors import InvalidArgument

_UNITS_S = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
FOR_EVER = "forever"


def parse_span(flag: str, text: str) -> float | None:
    """Return the seconds meant by ``"90s"``, ``"10m"``, ``"2h"``, ``"1d"``; None for ``"forever"``.

    Raises:
        InvalidArgument: it is written in another way.
    """
    if text == FOR_EVER:
        return None
    match = re.fullmatch(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)([smhd])", text)
    span_s = float(match[1]) * _UNITS_S[match[2]] if match else math.nan
    if not span_s > 0:
        raise InvalidArgument(flag, f"{text!r} is no span of time such as 90s, 10m, 2h or {FOR_EVER}")
    return span_s


@command(app, "promote", example="moor service promote -n myservice", table=service_row)
def promote(
    session: Session,
    *,
    name: Name,
    trial_requests: Annotated[
        int,
        typer.Option(min=0, help="The old revision comes back if too many of so many first requests fail."),
    ] = 100,
    max_error_share: Annotated[
        float, typer.Option(min=0, max=1, help="How many of them may fail (5xx), as a share.")
    ] = 0.5,
) -> Any:
    """Let the canary or the mirror of a service take over now, without losing a request."""
    from moorage import services
    from moorage.cli.detached import telling

    service = services.promote(
        session.workspace,
        name,
        trial_requests=trial_requests,
        max_error_share=max_error_share,
        on_event=telling(session),
    )
    return service_document(service)


@command(app, "mirror", example="moor service mirror -n myservice -o table")
def mirror(session: Session, *, name: Name) -> Any:
    """Show what the mirror of a service has found: how often answers differ, where, and examples.

    A mirror begins with: moor service update --mirror 100. The examples are parts of requests and answers.
    """
    from moorage import services

    found = services.mirror_findings(session.workspace, name)
    document = {"revision": found["generation"], **{k: v for k, v in found.items() if k != "generation"}}
    return Answer(document, text=mirror_text(document))


def mirror_text(document: Mapping[str, Any]) -> str:
    """Return the findings for people: counts, places, and the pairs."""
    lines = [
        f"Revision {document['revision']} beside {document['beside']}: {document['state']}",
        f"  copies sent {document['sent']}, dropped {document['dropped']}",
        f"  same {document['same']}, different {document['different']} "
        f"(of which it failed {document['failed']}), not compared {document['notCompared']}",
    ]
    places = sorted(document["reasons"].items(), key=lambda item: -item[1])
    if places:
        lines.append("Where they differ")
        lines += [f"  {count:6d}  {place}" for place, count in places[:10]]
    if document["pairs"]:
        lines.append("Examples, the newest last")
    for pair in document["pairs"][-5:]:
        live, shadow = pair["live"], pair["shadow"]
        lines += [
            f"  {pair['at']}  {pair['difference']}",
            f"    request  {_line(pair['request'])}",
            f"    live     {live['status']} {_line(live['body'])}",
            f"    mirror   {shadow['status']} {_line(shadow['body'])}",
        ]
    return "\n".join(lines)


def _line(text: str) -> str:
    # What clients sent must not move the cursor of a terminal.
    shown = "".join(character if character.isprintable() else " " for character in text)
    return shown if len(shown) <= 100 else f"{shown[:97]}..."
