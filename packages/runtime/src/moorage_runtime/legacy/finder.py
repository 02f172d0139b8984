"""The import hook: answers for the names that we provide and leaves everything else to the environment.

A stand-in module offers its own names at once. Where the environment holds the real module too, any other
name is looked up there, and only then is the real one loaded: a script that wants nothing but
``Model.get_model_path`` does not pay for the import of a large SDK, nor suffer from its pins.
"""

import importlib
import importlib.util
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Dict, List, Optional

from .. import logs
from .names import ALIASES, MODULES, StandIn


class StandInModule(ModuleType):
    """A module whose names come from ours first, then from the real module of that name, if any."""

    _moorage_stand_in: StandIn
    _moorage_real_spec: Optional[ModuleSpec]
    _moorage_real: Optional[ModuleType]
    _moorage_is_logged: bool

    def __getattr__(self, name: str) -> Any:
        target = self._moorage_stand_in.names.get(name)
        if target is not None:
            log_use(self)
            value = _resolve(target)
            setattr(self, name, value)
            return value
        if name.startswith("__") and name != "__version__":
            raise AttributeError("module %r has no attribute %r" % (self.__name__, name))
        real = _load_real(self)
        if real is not None:
            return getattr(real, name)
        raise AttributeError(
            "Moorage's stand-in for %r has no %r; install the package itself if the script needs it"
            % (self.__name__, name)
        )

    def __dir__(self) -> List[str]:
        return sorted(set(super().__dir__()) | set(self._moorage_stand_in.names))


def log_use(module: StandInModule) -> None:
    """Log the first use of a stand-in, with what to write today."""
    advice = module._moorage_stand_in.advice
    if advice and not module._moorage_is_logged:
        module._moorage_is_logged = True
        logs.logger.info("%s: a stand-in of Moorage is used. %s", module.__name__, advice)


def _resolve(target: str) -> Any:
    """Return the object that ``"module:name"`` names."""
    module_name, _, attribute = target.partition(":")
    try:
        return getattr(importlib.import_module(module_name), attribute)
    except AttributeError as error:
        # Not as it is: `from ... import` would hide it behind a message without a cause.
        raise ImportError("%s cannot be provided: %s" % (target, error)) from error


def _load_real(module: StandInModule) -> Optional[ModuleType]:
    """Load the real module behind a stand-in, once; our names stay where they are."""
    if module._moorage_real is not None:
        return module._moorage_real
    spec = module._moorage_real_spec
    if spec is None or spec.loader is None or not hasattr(spec.loader, "exec_module"):
        return None
    name = module.__name__
    real = importlib.util.module_from_spec(spec)
    module._moorage_real = real
    # While it is loaded it goes by its own name: its parts import each other in circles.
    sys.modules[name] = real
    try:
        spec.loader.exec_module(real)
    except BaseException:
        module._moorage_real = None
        raise
    finally:
        sys.modules[name] = module
    return real


class _StandInLoader(Loader):
    def __init__(self, stand_in: StandIn, real_spec: Optional[ModuleSpec]) -> None:
        self._stand_in = stand_in
        self._real_spec = real_spec

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = StandInModule(spec.name, "A stand-in of Moorage for the old import name %s." % spec.name)
        module._moorage_stand_in = self._stand_in
        module._moorage_real_spec = self._real_spec
        module._moorage_real = None
        module._moorage_is_logged = False
        return module

    def exec_module(self, module: ModuleType) -> None:
        stand_in = self._stand_in
        # Part of the interface of a module; without it `import *` would take nothing.
        module.__all__ = [name for name in stand_in.names if not name.startswith("_")]  # type: ignore[attr-defined]
        if not stand_in.names and isinstance(module, StandInModule):
            log_use(module)  # to be imported is its only use


class _AliasLoader(Loader):
    """Makes an old name mean a module that exists under another one."""

    def __init__(self, target: str, advice: str) -> None:
        self._target = target
        self._advice = advice

    def create_module(self, spec: ModuleSpec) -> Optional[ModuleType]:
        return None

    def exec_module(self, module: ModuleType) -> None:
        name = module.__name__
        # The import system takes from sys.modules what a module has put there in its own place.
        sys.modules[name] = importlib.import_module(self._target)
        if self._advice:
            logs.logger.info("%s: Moorage uses %s instead. %s", name, self._target, self._advice)


class StandInFinder(MetaPathFinder):
    """Stands first in ``sys.meta_path``."""

    def __init__(self) -> None:
        self._looking_for: Dict[str, bool] = {}

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Optional[ModuleSpec]:
        stand_in = MODULES.get(fullname)
        if stand_in is not None:
            return self._stand_in_spec(fullname, path, stand_in)
        for prefix, (replacement, advice) in ALIASES.items():
            if fullname == prefix:
                return self._alias_spec(fullname, path, replacement, advice)
            if fullname.startswith(prefix + ".") and sys.modules.get(prefix) is sys.modules.get(replacement):
                # Not searched in the folder of the replacement: a second copy would be loaded from there.
                return ModuleSpec(fullname, _AliasLoader(replacement + fullname[len(prefix) :], ""))
        self._refresh_parent(fullname, path)
        return None

    def _stand_in_spec(self, fullname: str, path: Any, stand_in: StandIn) -> Optional[ModuleSpec]:
        real = self._find_real(fullname, path)
        if stand_in.only_if_missing and real is not None:
            return None
        spec = ModuleSpec(fullname, _StandInLoader(stand_in, real), is_package=stand_in.is_package)
        if stand_in.is_package:
            # Whatever else lies in the real package is found there, also in a namespace package.
            found = real.submodule_search_locations if real is not None else None
            spec.submodule_search_locations = found if found is not None else []
        return spec

    def _alias_spec(self, fullname: str, path: Any, replacement: str, advice: str) -> Optional[ModuleSpec]:
        if self._find_real(fullname, path) is not None:
            return None
        try:
            found = importlib.util.find_spec(replacement)
        except (ImportError, ValueError):
            found = None
        if found is None:
            return None
        return ModuleSpec(fullname, _AliasLoader(replacement, advice))

    def _find_real(self, fullname: str, path: Any) -> Optional[ModuleSpec]:
        """Ask every other finder."""
        if self._looking_for.get(fullname):
            return None
        self._looking_for[fullname] = True
        try:
            for finder in list(sys.meta_path):
                find = getattr(finder, "find_spec", None)
                if finder is self or find is None:
                    continue
                spec = find(fullname, path)
                if spec is not None:
                    return spec  # type: ignore[no-any-return]
            return None
        finally:
            self._looking_for.pop(fullname, None)

    def _refresh_parent(self, fullname: str, path: Any) -> None:
        """Give a stand-in package the folder of a real one that ``sys.path`` has come to hold meanwhile."""
        parent_name = fullname.rpartition(".")[0]
        parent = sys.modules.get(parent_name)
        if not isinstance(parent, StandInModule) or path != [] or not isinstance(path, list):
            return
        grandparent = sys.modules.get(parent_name.rpartition(".")[0])
        real = self._find_real(parent_name, getattr(grandparent, "__path__", None))
        if real is not None and real.submodule_search_locations:
            parent._moorage_real_spec = real
            path.extend(real.submodule_search_locations)


def install() -> None:
    """Put the stand-ins first in ``sys.meta_path``; doing it twice changes nothing."""
    if not any(isinstance(finder, StandInFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, StandInFinder())
