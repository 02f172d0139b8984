"""Preview names of pipelines."""
