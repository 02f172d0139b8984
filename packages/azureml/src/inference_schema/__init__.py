"""The import name of the old schema package; everything is in ``moorage_runtime.schema``."""
