"""Measuring a service before it is deployed: times, memory, and what to ask for."""

from moorage.profiling.profile import Measured, Profile
from moorage.profiling.registry import get, list_profiles
from moorage.profiling.running import profile, requests_of

__all__ = ["Measured", "Profile", "get", "list_profiles", "profile", "requests_of"]
