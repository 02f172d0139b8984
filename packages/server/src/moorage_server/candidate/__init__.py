"""A second revision beside the one that serves: a canary with a share of the requests, or a mirror."""

from moorage_server.candidate.candidates import Candidates
from moorage_server.candidate.surroundings import Surroundings

__all__ = ["Candidates", "Surroundings"]
