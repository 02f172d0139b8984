"""Moving in: what of a code base written for Azure ML v1 works here, found by reading it."""

from moorage.migration.findings import Finding, Judgement, Report, Verdict, in_short
from moorage.migration.scanning import scan

__all__ = ["Finding", "Judgement", "Report", "Verdict", "in_short", "scan"]
