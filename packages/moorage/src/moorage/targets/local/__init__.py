"""Services as processes of this machine: one supervisor per service, no container engine."""

from moorage.targets.local.target import LocalTarget

__all__ = ["LocalTarget"]
