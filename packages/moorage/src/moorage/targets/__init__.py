"""Places where services run. One contract (`contract`), one folder per kind of place."""

from moorage.targets.contract import Contents, Fault, Observed, Order, Place, Target, TargetFault

CONTAINER_TARGETS = ("aci", "container")

__all__ = ["Contents", "Fault", "Observed", "Order", "Place", "Target", "TargetFault", "open_target"]


def open_target(name: str) -> Target:
    """Return the target of that name.

    Raises:
        NotSupported: it comes with a later release.
    """
    from moorage.errors import NotSupported
    from moorage.targets.local import LocalTarget

    if name == LocalTarget.name:
        return LocalTarget()
    if name in CONTAINER_TARGETS:
        from moorage.targets.container import ContainerTarget

        return ContainerTarget(name)
    raise NotSupported(f"services of compute type {name} come with a later release; use local")
