"""What every command has at hand: its workspace, and a way to talk to the person beside the answer."""

import sys
from dataclasses import dataclass, field
from pathlib import Path

from moorage.workspace import Workspace

FOLDER_FILES = (".azureml/config.json", "aml_config/config.json", "config.json")


@dataclass
class Session:
    """Opened once per command, closed by whoever made it."""

    workspace_name: str | None = None
    path: Path = field(default_factory=Path)
    """The project folder: the workspace that it is tied to is used when none is named."""
    is_quiet: bool = False
    _workspace: Workspace | None = None

    @property
    def workspace(self) -> Workspace:
        """The chosen workspace; on a machine without any, one named "default" is made."""
        if self._workspace is None:
            name = self.workspace_name or attached_workspace(self.path)
            self._workspace = Workspace.open(name) if name else Workspace.open_or_create_default()
        return self._workspace

    def say(self, text: str) -> None:
        """Tell what happens. On standard error: the answer alone goes to standard output."""
        if not self.is_quiet:
            print(text, file=sys.stderr, flush=True)

    def warn(self, text: str) -> None:
        self.say(f"Warning: {text}")

    def close(self) -> None:
        if self._workspace is not None:
            self._workspace.close()


def attached_workspace(folder: Path) -> str | None:
    """Return the name in the configuration file at or above ``folder`` (the file that old SDKs write).

    ``$MOORAGE_WORKSPACE`` is stronger than a file, so None when it is set.
    """
    import json
    import os

    if os.environ.get("MOORAGE_WORKSPACE"):
        return None
    start = folder.expanduser().absolute()
    for place in (start, *start.parents):
        for name in FOLDER_FILES:
            file = place / name
            if not file.is_file():
                continue
            try:
                value = json.loads(file.read_text(encoding="utf-8-sig")).get("workspace_name")
            except (OSError, ValueError, AttributeError):
                continue  # some other program's config.json
            if isinstance(value, str) and value:
                return value
    return None
