"""The address of a container registry and how to sign in there."""

__all__ = ["ContainerRegistry", "RegistryIdentity"]


class RegistryIdentity:
    """A managed identity; kept for old code, Moorage signs in with user name and password."""

    resource_id: str | None
    client_id: str | None

    def __init__(self) -> None:
        self.resource_id, self.client_id = None, None


class ContainerRegistry:
    """Attributes only; None: the registry is public or the default one."""

    address: str | None
    username: str | None
    password: str | None
    registry_identity: RegistryIdentity | None

    def __init__(self) -> None:
        self.address, self.username, self.password = None, None, None
        self.registry_identity = None

    def __repr__(self) -> str:
        return f"ContainerRegistry(address={self.address!r}, username={self.username!r})"
