"""The bill of materials of a built environment, as CycloneDX JSON."""

import re
from collections.abc import Iterator
from email.parser import HeaderParser
from pathlib import Path

from packaging.utils import canonicalize_name

from moorage.environments.channels.packages import CondaPackage
from moorage.environments.locking import Lock


def write_sbom(environment: Path, lock: Lock, target: Path) -> None:
    """Write what is in an environment to ``target``: names, versions, licences, and the hashes of the lock.

    Equal environments have equal files: serial number and order follow from the lock.
    """
    # Only whoever builds needs the library, which takes a while to import.
    import uuid
    from datetime import datetime, timezone

    from cyclonedx.model import HashAlgorithm, HashType
    from cyclonedx.model.bom import Bom, BomMetaData
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.model.license import DisjunctiveLicense
    from cyclonedx.output.json import JsonV1Dot6
    from packageurl import PackageURL

    licences = dict(_licences(environment))
    hashes = _hashes(lock)
    components = [
        Component(
            name=name,
            version=version,
            type=ComponentType.LIBRARY,
            bom_ref=f"{name}=={version}",
            purl=PackageURL("pypi", None, name, version),
            licenses=[DisjunctiveLicense(name=licences[name])] if licences.get(name) else (),
            # One component may come as any of these files.
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=hashes[name][0])]
            if len(hashes.get(name, ())) == 1
            else (),
        )
        for name, version in sorted(lock.packages.items())
    ]
    components += [
        Component(
            name=package.name,
            version=package.version,
            type=ComponentType.LIBRARY,
            bom_ref=f"conda:{package.name}=={package.version}",
            purl=PackageURL("conda", None, package.name, package.version, _qualifiers(package)),
            licenses=[DisjunctiveLicense(name=package.license)] if package.license else (),
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=package.sha256)]
            if package.sha256
            else [HashType(alg=HashAlgorithm.MD5, content=str(package.md5))],
        )
        for package in lock.conda
    ]
    python = Component(
        name="python", version=lock.python, type=ComponentType.PLATFORM, bom_ref=f"python=={lock.python}"
    )
    bom = Bom(
        components=components,
        serial_number=uuid.uuid5(uuid.NAMESPACE_OID, lock.hash),
        metadata=BomMetaData(component=python, timestamp=datetime(1980, 1, 1, tzinfo=timezone.utc)),
    )
    bom.register_dependency(python, components)
    target.write_text(JsonV1Dot6(bom).output_as_string(indent=1) + "\n", encoding="utf-8")


def _qualifiers(package: CondaPackage) -> dict[str, str]:
    """Return what tells builds of one version apart, in the words of the specification of package URLs.

    The channel by its name only: its address differs between machines, and equal locks have equal files.
    """
    kind = "conda" if package.file_name.endswith(".conda") else "tar.bz2"
    channel = package.channel.rstrip("/").rsplit("/", 1)[-1]
    return {"build": package.build, "channel": channel, "subdir": package.subdir, "type": kind}


def _hashes(lock: Lock) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    name = ""
    for line in lock.text.splitlines():
        match = re.match(r"([A-Za-z0-9][A-Za-z0-9._-]*)(?:==| @ )", line)
        if match:
            name = canonicalize_name(match[1])
        found.setdefault(name, []).extend(re.findall(r"--hash=sha256:([0-9a-f]{64})", line))
    return found


def _licences(environment: Path) -> Iterator[tuple[str, str]]:
    for metadata in environment.glob("lib/python*/site-packages/*.dist-info/METADATA"):
        headers = HeaderParser().parsestr(metadata.read_text(encoding="utf-8", errors="replace"), True)
        licence = headers.get("License-Expression") or _short(headers.get("License")) or ""
        yield canonicalize_name(str(headers.get("Name"))), licence or _classified(headers)


def _short(text: str | None) -> str | None:
    """Return a name of a licence; some packages put the whole text in its place."""
    return text if text and "\n" not in text and len(text) < 100 and text != "UNKNOWN" else None


def _classified(headers: object) -> str:
    classifiers = headers.get_all("Classifier") or ()  # type: ignore[attr-defined]
    found = [str(one).rsplit(" :: ", 1)[1] for one in classifiers if str(one).startswith("License :: ")]
    return ", ".join(found)
