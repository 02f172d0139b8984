"""The models of one service: loaded on demand, the least recently used one leaves when memory is short."""

import logging
import os
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

from moorage_server.nocode.errors import NotFound
from moorage_server.nocode.loading import load
from moorage_server.nocode.model import Model, Source

logger = logging.getLogger("azmlinfsrv")  # the log of scorers


class Repository:
    """Gives models by name and version. For one thread: requests of a scorer come one after the other."""

    def __init__(
        self, sources: Sequence[Source], budget_bytes: int | None = None, cache: Path | None = None
    ) -> None:
        """Take the sources of a deployment; ``budget_bytes`` None: all models stay."""
        self.sources = {(source.name, source.version): source for source in sources}
        self.budget_bytes = budget_bytes
        self._cache = cache
        self._loaded: OrderedDict[tuple[str, str], tuple[Model, int]] = OrderedDict()

    @property
    def loaded(self) -> list[tuple[str, str]]:
        """Name and version of the models in memory, the least recently used one first."""
        return list(self._loaded)

    def find(self, name: str | None = None, version: str | None = None) -> Source:
        """Return the source of a model; without a version the newest, without a name the first.

        Raises:
            NotFound: there is none.
        """
        if name is None:
            return next(iter(self.sources.values()))
        versions = {key[1]: source for key, source in self.sources.items() if key[0] == name}
        if not versions:
            known = ", ".join(sorted({key[0] for key in self.sources}))
            raise NotFound(f"there is no model {name[:100]!r} here; there are {known}")
        if version is None:
            return versions[max(versions, key=_order)]
        if version not in versions:
            known = ", ".join(sorted(versions, key=_order))
            raise NotFound(f"there is no version {version[:40]!r} of {name} here; there are {known}")
        return versions[version]

    def get(self, name: str | None = None, version: str | None = None) -> Model:
        """Return a model, loading it if it is not in memory.

        Raises:
            NotFound: there is none.
            ModelUnusable: it cannot be loaded.
        """
        source = self.find(name, version)
        key = (source.name, source.version)
        entry = self._loaded.get(key)
        if entry is not None:
            self._loaded.move_to_end(key)
            return entry[0]
        self._make_room(source.size_bytes)
        before, started = _resident_bytes(), perf_counter()
        model = load(source, self._cache)
        used = max(_resident_bytes() - before, source.size_bytes)
        self._loaded[key] = (model, used)
        logger.info(
            "Loaded %s:%s (%s), %.1f MB, in %.2f s",
            source.name,
            source.version,
            model.library,
            used / 1e6,
            perf_counter() - started,
        )
        self._make_room(0)
        return model

    def load_all(self) -> None:
        """Load every model that the budget has room for; the first one in any case.

        Raises:
            ModelUnusable: one cannot be loaded.
        """
        for index, source in enumerate(self.sources.values()):
            if (
                index
                and self.budget_bytes is not None
                and self.used_bytes + source.size_bytes > self.budget_bytes
            ):
                continue
            self.get(source.name, source.version)

    @property
    def used_bytes(self) -> int:
        return sum(used for _, used in self._loaded.values())

    def _make_room(self, needed: int) -> None:
        keep = 1 if not needed else 0  # the newest one was just asked for
        while self.budget_bytes is not None and len(self._loaded) > keep:
            if self.used_bytes + needed <= self.budget_bytes:
                return
            (name, version), (_, used) = self._loaded.popitem(last=False)
            logger.info("Unloaded %s:%s, %.1f MB: the memory is needed", name, version, used / 1e6)


def _order(version: str) -> tuple[int, str]:
    return (int(version), "") if version.isascii() and version.isdigit() else (0, version)


def _resident_bytes() -> int:
    """Return the memory of this process; 0 where the system does not tell."""
    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0
