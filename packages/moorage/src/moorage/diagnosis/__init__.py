"""What this machine has of all that Moorage can use, and whether its workspace can be reached."""

from moorage.diagnosis.check import Check, State
from moorage.diagnosis.run import diagnose

__all__ = ["Check", "State", "diagnose"]
