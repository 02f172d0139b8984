"""``Keyvault``: secrets of the workspace, sealed in it."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from azureml._errors import as_old_exceptions
from moorage.vault import Vault

if TYPE_CHECKING:
    from azureml.core.workspace import Workspace

__all__ = ["Keyvault"]

_PREFIX = "keyvault/"


class Keyvault:
    """Texts by name; ``workspace.get_default_keyvault()`` gives it."""

    def __init__(self, workspace: "Workspace") -> None:
        self.workspace, self._vault = workspace, Vault(workspace._moorage)

    @as_old_exceptions()
    def set_secret(self, name: str, value: str) -> None:
        """Keep a text in place of an earlier one of that name."""
        self._vault.change(_PREFIX + name, lambda _earlier: value)

    def set_secrets(self, secrets_batch: Mapping[str, str]) -> None:
        """Keep several."""
        for name, value in secrets_batch.items():
            self.set_secret(name, value)

    @as_old_exceptions()
    def get_secret(self, name: str) -> str | None:
        """Return the text, None if there is none of that name."""
        return self._vault.read(_PREFIX + name)

    def get_secrets(self, secrets: Sequence[str]) -> dict[str, str | None]:
        """Return several by name."""
        return {name: self.get_secret(name) for name in secrets}

    @as_old_exceptions()
    def delete_secret(self, name: str) -> None:
        """Forget a text."""
        self._vault.remove(_PREFIX + name)

    def delete_secrets(self, secrets: Sequence[str]) -> None:
        """Forget several."""
        for name in secrets:
            self.delete_secret(name)

    @as_old_exceptions()
    def list_secrets(self) -> list[dict[str, str]]:
        """Return the names, each in a dictionary, as before."""
        found = self._vault.names(_PREFIX)
        return [{"name": name.removeprefix(_PREFIX)} for name in found]
