"""``moor environment build|lock|diff|export|gc``: what stands on the machine for a definition."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from moorage.cli.command import command
from moorage.cli.session import Session

if TYPE_CHECKING:
    from moorage.environments.locking import Lock
    from moorage.environments.wanted import Wanted

Name = Annotated[
    str | None,
    typer.Option("--name", "-n", help="Name of a registered environment."),
]
Version = Annotated[str | None, typer.Option("--version", "-v", help="Default: the newest.")]
File = Annotated[
    Path | None,
    typer.Option(
        "--file",
        "-f",
        help="A conda file (.yml), requirements (.txt), pyproject.toml, uv.lock, pylock.toml, or a folder.",
    ),
]
Relax = Annotated[
    bool, typer.Option("--relax", help="Take the nearest version of what this Python cannot have.")
]
Upgrade = Annotated[
    bool, typer.Option("--upgrade", help="Look for newer versions, also where a lock is known.")
]
FORMATS = ("requirements", "conda", "explicit", "sbom")


def add_building(section: typer.Typer) -> None:
    """Add the commands to ``moor environment``."""
    command(
        section,
        "build",
        example="moor environment build -f conda.yml",
        table=_built_row,
        has_version_flag=True,
    )(build)
    command(
        section,
        "lock",
        example="moor environment lock -n myenv -o json",
        has_version_flag=True,
        table=_lock_row,
    )(lock)
    command(
        section,
        "diff",
        example="moor environment diff -n myenv -v 1 --other-version 2",
        table=_difference_row,
        has_version_flag=True,
    )(diff)
    command(
        section,
        "export",
        example="moor environment export -n myenv --format sbom -d myenv.cdx.json",
        has_version_flag=True,
    )(export)
    command(section, "gc", example="moor environment gc --dry-run", table=_removed_row)(gc)


def build(
    session: Session,
    *,
    name: Name = None,
    version: Version = None,
    file: File = None,
    relax: Relax = False,
    upgrade: Upgrade = False,
) -> Any:
    """Build an environment now, as the first deployment that needs it would."""
    from moorage.environments.building import build

    built = build(
        _wanted(session, name, version, file), relax=relax, upgrade=upgrade, on_progress=session.say
    )
    for notice in built.notices:
        session.warn(notice)
    return {
        **_lock_document(built.lock),
        "python": str(built.python),
        "directory": str(built.folder),
        "isNew": built.is_new,
    }


def lock(
    session: Session,
    *,
    name: Name = None,
    version: Version = None,
    file: File = None,
    relax: Relax = False,
    upgrade: Upgrade = False,
) -> Any:
    """Look up the exact versions, and say what cannot be had; nothing is built."""
    return _lock_document(_lock(session, name, version, file, relax=relax, upgrade=upgrade))


def diff(
    session: Session,
    *,
    name: Name = None,
    version: Version = None,
    file: File = None,
    other_name: Annotated[
        str | None, typer.Option("--other-name", help="Name of the other one. Default: the same.")
    ] = None,
    other_version: Annotated[
        str | None, typer.Option("--other-version", help="Version of the other one. Default: the newest.")
    ] = None,
    other_file: Annotated[Path | None, typer.Option("--other-file", help="File of the other one.")] = None,
) -> Any:
    """Show which packages differ between two environments, with all that they bring along."""
    from moorage.environments.comparing import differences

    one = _lock(session, name, version, file)
    if other_file is None and other_name is None:
        other_name = name
    other = _lock(session, other_name, other_version, other_file)
    return [
        {"name": found.name, "before": found.before, "after": found.after}
        for found in differences(one, other)
    ]


def export(
    session: Session,
    *,
    name: Name = None,
    version: Version = None,
    file: File = None,
    format: Annotated[
        str, typer.Option("--format", metavar="|".join(FORMATS), help="What to write.")
    ] = "requirements",
    target: Annotated[
        Path | None, typer.Option("--target", "-d", help="File to write. Default: standard output.")
    ] = None,
) -> Any:
    """Write the exact packages for other tools.

    With hashes for pip (requirements), as a conda file, as CycloneDX (sbom), or with hashes the files of
    packages that come from conda channels, for conda create --file (explicit).
    """
    from moorage.errors import DownloadTargetExists, InvalidArgument

    if format not in FORMATS:
        raise InvalidArgument("--format", f"{format!r} is none of {', '.join(FORMATS)}")
    if target is not None and target.exists():
        raise DownloadTargetExists(f"{target} exists already; choose another file")
    if format == "sbom":
        from moorage.environments.building import build
        from moorage.environments.store import SBOM_FILE

        built = build(_wanted(session, name, version, file), on_progress=session.say)
        text = (built.folder / SBOM_FILE).read_text(encoding="utf-8")
    else:
        found = _lock(session, name, version, file)
        text = _exported(session, found, format)
    if target is None:
        sys.stdout.write(text)
        return None
    target.write_text(text, encoding="utf-8")
    return {"file": str(target.absolute()), "format": format}


def gc(
    session: Session,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    kept_minutes: Annotated[
        float, typer.Option("--kept-minutes", min=0, help="Leave alone what was made or used since.")
    ] = 60,
) -> Any:
    """Remove built environments that no kept revision of any workspace uses."""
    from moorage.environments.collecting import collect_garbage

    removed = collect_garbage(kept_minutes=kept_minutes, is_dry_run=dry_run)
    return [{"hash": one.hash, "sizeBytes": one.size_bytes} for one in removed]


def _lock(
    session: Session,
    name: str | None,
    version: str | None,
    file: Path | None,
    *,
    relax: bool = False,
    upgrade: bool = False,
) -> "Lock":
    from moorage.environments.building import lock_of

    found, _python, notices = lock_of(_wanted(session, name, version, file), relax=relax, upgrade=upgrade)
    for notice in notices:
        session.warn(notice)
    return found


def _wanted(session: Session, name: str | None, version: str | None, file: Path | None) -> "Wanted":
    from moorage import environments
    from moorage.environments.files import read_wanted
    from moorage.environments.wanted import translate
    from moorage.errors import InvalidArgument

    if (name is None) == (file is None):
        raise InvalidArgument("environment", "name a registered one with -n, or a file with -f; not both")
    if file is None:
        found = environments.get(session.workspace, name or "", version)
        return translate(found.conda, found.pip_requirements)
    return read_wanted(file)


def _lock_document(found: "Lock") -> dict[str, Any]:
    return {
        "hash": found.hash,
        "pythonVersion": found.python,
        "platform": found.platform,
        "packages": dict(found.packages),
        "condaPackages": dict(found.conda_packages),
        "builtFromSource": list(found.from_source),
    }


def _exported(session: Session, found: "Lock", format: str) -> str:
    from moorage.environments.channels.packages import explicit_file
    from moorage.errors import InvalidArgument

    if format == "conda":
        return _conda_text(found)
    if format == "explicit":
        if not found.conda:
            raise InvalidArgument("--format", "no package of this environment comes from a conda channel")
        if found.packages:
            session.warn(f"pip's packages are not in this file: {', '.join(found.packages)}")
        return explicit_file(found.conda)
    if found.conda:
        session.warn("the packages of conda channels are not in this file; --format explicit has them")
    return found.text


def _conda_text(found: "Lock") -> str:
    import yaml

    pip = [f"{name}=={version}" for name, version in found.packages.items()]
    exact = [f"{package.name}={package.version}={package.build}" for package in found.conda]
    below = [{"pip": pip}] if pip else []
    document: dict[str, Any] = {"dependencies": [*(exact or [f"python={found.python}", "pip"]), *below]}
    if exact:
        channels = dict.fromkeys(package.channel.rstrip("/") for package in found.conda)
        document = {"channels": list(channels), **document}
    return str(yaml.safe_dump(document, sort_keys=False))


def _built_row(document: Any) -> dict[str, Any]:
    return {**_lock_row(document), "Python": document["python"], "New": document["isNew"]}


def _lock_row(document: Any) -> dict[str, Any]:
    return {
        "Hash": document["hash"][:12],
        "PythonVersion": document["pythonVersion"],
        "Packages": len(document["packages"]) + len(document["condaPackages"]),
    }


def _difference_row(document: Any) -> dict[str, Any]:
    return {"Name": document["name"], "Before": document["before"], "After": document["after"]}


def _removed_row(document: Any) -> dict[str, Any]:
    return {"Hash": document["hash"], "SizeMb": round(document["sizeBytes"] / 1e6, 1)}
