"""A name for a service that was given none."""

import re


def name_after(model_id: str) -> str:
    """Return a valid service name made from the name in a model's id: ``"My_Model:1"`` -> ``"my-model"``."""
    name = re.sub(r"[^a-z0-9]+", "-", model_id.partition(":")[0].lower()).strip("-")
    if not name[:1].isalpha():
        name = f"model-{name}".rstrip("-")
    name = name[:32].rstrip("-")
    return name if len(name) >= 3 else f"{name}-service"
