"""The program that asks py-rattler: one request as JSON on standard input, JSON lines as the answer.

It knows nothing of Moorage and is run by its path, in a process of its own: the threads of the library can
crash an interpreter that ends, and a build must be stoppable. Lines of the answer are objects with one key:
``say`` (a line of progress), and at the end ``result``, ``problems`` (what cannot be had) or ``fault``.
"""

import asyncio
import difflib
import hashlib
import json
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import rattler
from rattler.exceptions import (
    GatewayError,
    InstallerError,
    InvalidChannelError,
    InvalidMatchSpecError,
    SolverError,
)
from rattler.install import InstallerReporter
from rattler.networking.middleware import AuthenticationMiddleware, RetryMiddleware
from rattler.package import BuildString

_PRIORITIES = {
    "strict": rattler.ChannelPriority.Strict,
    "flexible": rattler.ChannelPriority.Flexible,
    "disabled": rattler.ChannelPriority.Disabled,
}
_MOST_ROUNDS = 5


def answer(**line: Any) -> None:
    print(json.dumps(line), flush=True)


class Fault(Exception):
    """What ends the work; ``about`` is sent as it is."""

    def __init__(self, **about: Any) -> None:
        super().__init__(about)
        self.about = about


class Channels:
    """The channels of one request. Each is asked once for each name, however often it is looked at here."""

    def __init__(self, request: dict[str, Any]) -> None:
        self.priority = _PRIORITIES[request["priority"]]
        self.platforms = [rattler.Subdir(request["platform"]), rattler.Subdir("noarch")]
        self.virtual = [
            rattler.GenericVirtualPackage(rattler.PackageName(n), rattler.Version(v), BuildString(b))
            for n, v, b in request["virtual"]
        ]
        self.found = [_channel(source) for source in request["channels"]]
        config = rattler.SourceConfig(
            cache_action="force-cache-only" if request["is_offline"] else "cache-or-fetch"
        )
        self.gateway = rattler.Gateway(
            cache_dir=Path(request["cache"], "repodata"),
            default_config=config,
            # A server that holds on to a request is as good as none; lists are sent quickly.
            client=_client(1, timeout_s=120),
        )

    async def solve(self, specs: Sequence[str], constraints: Sequence[str]) -> "list[rattler.RepoDataRecord]":
        try:
            return await rattler.solve(
                self.found,
                # Read leniently, as conda does: the library's own reading of a text refuses "a=1.0=0".
                [rattler.MatchSpec(spec) for spec in specs],
                gateway=self.gateway,
                platforms=self.platforms,
                virtual_packages=self.virtual,
                channel_priority=self.priority,
                constraints=[rattler.MatchSpec(text) for text in constraints],
                channel_relations="disabled",
            )
        except GatewayError as error:
            raise self.fault(str(error)) from error

    async def records(self, name: str) -> "list[rattler.RepoDataRecord]":
        """Return all versions and builds of a package."""
        found = await self.gateway.query(
            self.found, self.platforms, [name], recursive=False, channel_relations="disabled"
        )
        return [record for records in found for record in records]

    async def names(self) -> list[str]:
        found = await self.gateway.names(self.found, self.platforms, channel_relations="disabled")
        return [name.normalized for name in found]

    def fault(self, said: str) -> Fault:
        """Return what a channel's failure means: which one it is, and whether it is there at all."""
        blamed = [n for n, one in enumerate(self.found) if one.base_url.rstrip("/") in said]
        number = blamed[0] if blamed else -1
        lines = [line.removeprefix("Caused by: ").strip() for line in said.splitlines()]
        if "could not find subdir" in said:
            kind = "missing"
        elif re.search(r"\b(401|403)\b", said):
            kind = "forbidden"
        elif "no usable repodata cache" in said:
            kind = "offline"
        else:
            kind = "unreachable"
        status = re.search(r"\((\d{3} [A-Za-z ]+)\)", said)
        return Fault(kind=kind, channel=number, reason=status[1] if status else lines[-1])


def _client(retries: int, timeout_s: int | None = None) -> rattler.Client:
    """Return a client that knows this user's passwords: of ``RATTLER_AUTH_FILE`` or the system's store."""
    return rattler.Client([RetryMiddleware(retries), AuthenticationMiddleware()], timeout=timeout_s)


def _channel(source: str) -> rattler.Channel:
    try:
        return rattler.Channel(source)
    except InvalidChannelError as error:
        raise Fault(kind="other", channel=-1, reason=f"{source!r} is no channel: {error}") from error


async def solve(request: dict[str, Any]) -> None:
    """Find exact packages for ``specs`` and one of ``pythons``, the first that can be had."""
    channels = Channels(request)
    _check_specs([*request["specs"], *request["pythons"]])
    constraints = [text for text in request["constraints"] if _is_spec(text)]
    changed: list[list[str]] = []
    specs = list(request["specs"])
    pythons = list(request["pythons"])
    for _round in range(_MOST_ROUNDS):
        said = ""
        for python in pythons:
            try:
                records = await channels.solve([*specs, python], constraints)
            except SolverError as error:
                said = str(error)
            else:
                packages = [_document(record) for record in records]
                answer(result={"packages": packages, "changed": changed})
                return
        problems = await _problems(channels, [*specs, pythons[-1]])
        loosened = {
            one["spec"]: f"{one['name']} =={one['nearest']}"
            for one in problems
            if one.get("nearest") is not None
        }
        if not request["relax"] or len(loosened) < len(problems) or not problems:
            break
        changed += [[old, new] for old, new in loosened.items()]
        specs = [loosened.get(spec, spec) for spec in specs]
        pythons = [loosened.get(pythons[-1], pythons[-1])]
    answer(problems=problems, said=re.sub(r"^Cannot solve the request because of: ", "", said))


def _check_specs(specs: list[str]) -> None:
    for text in specs:
        try:
            rattler.MatchSpec(text)
        except InvalidMatchSpecError as error:
            reason = " ".join(str(error).split())
            raise Fault(kind="other", channel=-1, reason=f"{text!r} is no package: {reason}") from error


def _is_spec(text: str) -> bool:
    try:
        rattler.MatchSpec(text)
    except InvalidMatchSpecError:
        return False
    return True


async def _problems(channels: Channels, specs: list[str]) -> list[dict[str, Any]]:
    """Return what is wrong with each package alone; nothing, if only all of them together are too much."""
    found: list[dict[str, Any]] = []
    for text in specs:
        spec = rattler.MatchSpec(text)
        name = spec.name.normalized
        records = await channels.records(name)
        if not records:
            near = difflib.get_close_matches(name, sorted(set(await channels.names())), n=3, cutoff=0.75)
            found.append({"spec": text, "name": name, "near": near})
        elif not any(spec.matches(record) for record in records):
            found.append({"spec": text, "name": name, "nearest": _nearest(spec, records)})
    return found


def _nearest(spec: "rattler.MatchSpec", records: "list[rattler.RepoDataRecord]") -> str:
    """Return the lowest version from the one asked for, else the highest there is."""
    versions = sorted({record.version for record in records})
    asked = re.search(r"\d+(?:\.\d+)*", str(spec.version or ""))
    later = [v for v in versions if asked and v >= rattler.VersionWithSource(asked[0])]
    return str((later or versions[-1:])[0])


def _document(record: "rattler.RepoDataRecord") -> dict[str, Any]:
    noarch = "python" if record.noarch.python else "generic" if record.noarch.generic else None
    return {
        "name": record.name.normalized,
        "version": str(record.version),
        "build": str(record.build),
        "build_number": record.build_number,
        "subdir": record.subdir,
        "url": record.url,
        "channel": record.channel,
        "sha256": record.sha256.hex() if record.sha256 else None,
        "md5": record.md5.hex() if record.md5 else None,
        "size": record.size,
        "noarch": noarch,
        "license": record.license,
        "depends": list(record.depends),
        "python_site_packages_path": record.python_site_packages_path,
    }


def _record(document: dict[str, Any]) -> "rattler.RepoDataRecord":
    package = rattler.PackageRecord(
        document["name"],
        document["version"],
        BuildString(document["build"]),
        document["build_number"],
        document["subdir"],
        noarch=document["noarch"],
        depends=document["depends"],
        sha256=bytes.fromhex(document["sha256"]) if document["sha256"] else None,
        md5=bytes.fromhex(document["md5"]) if document["md5"] else None,
        size=document["size"],
        license=document["license"],
        python_site_packages_path=document["python_site_packages_path"],
    )
    file_name = document["url"].rsplit("/", 1)[-1]
    return rattler.RepoDataRecord(package, file_name, document["url"], document["channel"])


class _Teller(InstallerReporter):
    def __init__(self, packages: list[dict[str, Any]]) -> None:
        self.versions = {package["name"]: package["version"] for package in packages}
        self.names: list[str] = []

    def on_populate_cache_start(self, operation: int, package_name: str) -> int:
        self.names.append(package_name)
        return len(self.names) - 1

    def on_download_start(self, cache_entry: int) -> int:
        answer(say=f"Downloading {self.names[cache_entry]}")
        return cache_entry

    def on_link_start(self, operation: int, package_name: str) -> int:
        answer(say=f" + {package_name}=={self.versions.get(package_name, '')}")
        return 0


async def install(request: dict[str, Any]) -> None:
    """Put packages into an empty prefix that will be at ``final``."""
    packages = request["packages"]
    for package in packages:
        _check_file(package)
    try:
        await rattler.install(
            [_record(package) for package in packages],
            request["prefix"],
            cache_dir=Path(request["cache"], "pkgs"),
            installed_packages=[],
            platform=rattler.Subdir(request["platform"]),
            execute_link_scripts=False,
            show_progress=False,
            client=_client(3),
            reporter=_Teller(packages),  # type: ignore[abstract]  # the others do nothing
            alternative_target_prefix=request["final"],
        )
    except InstallerError as error:
        raise _not_installed(packages, str(error)) from error
    answer(result={})


def _check_file(package: dict[str, Any]) -> None:
    """Compare a file of this machine with its hash: the library compares nothing but what it downloads."""
    parts = urlsplit(package["url"])
    if parts.scheme != "file":
        return
    kind = "sha256" if package["sha256"] else "md5"
    try:
        with Path(unquote(parts.path)).open("rb") as file:
            # md5 is what old channels have; it is compared, as conda does.
            digest = hashlib.new(kind, usedforsecurity=False)
            while block := file.read(1 << 20):
                digest.update(block)
    except FileNotFoundError:
        return  # it may be in the cache; else the library says that it is missing
    except OSError as error:
        raise Fault(kind="package", package=package["name"], reason=str(error)) from error
    if digest.hexdigest() != package[kind]:
        reason = f"expected {kind} {package[kind]}, got {digest.hexdigest()}"
        raise Fault(kind="hash", package=package["name"], reason=reason)


def _not_installed(packages: list[dict[str, Any]], said: str) -> Fault:
    match = re.search(r"failed to (?:fetch|link) '?([^\s']+)", said)
    name = next((p["name"] for p in packages if match and p["url"].endswith(f"/{match[1]}")), None)
    lines = [line.removeprefix("Caused by: ").strip() for line in said.splitlines()]
    if "No space left on device" in said or "os error 28" in said:
        return Fault(kind="full", package=name, reason=lines[-1])
    if "hash mismatch" in said:
        found = re.search(r"expected \w+, got \w+", said)
        return Fault(kind="hash", package=name, reason=found[0] if found else lines[-1])
    status = re.search(r"\((\d{3} [A-Za-z ]+)\)", said)
    return Fault(kind="package", package=name, reason=status[1] if status else lines[-1], said=said)


def main() -> None:
    request = json.load(sys.stdin)
    work = {"solve": solve, "install": install}[request["command"]]
    try:
        asyncio.run(work(request))
    except Fault as fault:
        answer(fault=fault.about)
    except GatewayError as error:  # of a channel that answered before
        answer(fault={"kind": "unreachable", "channel": -1, "reason": str(error).splitlines()[-1]})
    except BaseException as error:
        answer(fault={"kind": "other", "channel": -1, "reason": f"{type(error).__name__}: {error}"})


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    # Not an ordinary end: threads of the library may still hold on to the interpreter, which crashes then.
    os._exit(0)
