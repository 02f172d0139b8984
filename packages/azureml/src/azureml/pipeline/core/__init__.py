"""Pipelines are not built yet; the base class of steps is here because old code names it."""
