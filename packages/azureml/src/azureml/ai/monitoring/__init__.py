"""Collecting what a service sees and says. Inside a service the same names come from its scorer."""

from moorage_runtime.legacy.collectors import BasicCorrelationContext, Collector, CorrelationContext

__all__ = ["BasicCorrelationContext", "Collector", "CorrelationContext"]
