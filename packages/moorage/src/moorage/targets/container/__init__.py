"""Services in containers of this machine, by Docker or Podman: what ACI was."""

from moorage.targets.container.choice import Choice, choose_place
from moorage.targets.container.target import ContainerTarget

__all__ = ["Choice", "ContainerTarget", "choose_place"]
