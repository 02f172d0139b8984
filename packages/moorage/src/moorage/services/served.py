"""How the models of a service without a script are served: compiled or not, and why. The scorer says it."""

import json
from collections.abc import Mapping
from pathlib import Path

from moorage.deployments import InferenceConfig
from moorage.deployments.no_code import is_no_code
from moorage.targets import Place, Target

FILE = Path("compiled", "served.json")  # in the revision; written by moorage_server.nocode.service
_LARGEST = 100_000  # bytes; what a scorer writes is not ours
_LONGEST = 500


def served_properties(
    target: Target, place: Place, revision: int | None, config: InferenceConfig | None
) -> Mapping[str, str]:
    """Return properties such as ``served iris:1``: ``compiled: compared on 192 inputs ...``."""
    if revision is None or config is None or not is_no_code(config):
        return {}
    app = target.snapshot(place, revision)
    if app is None:
        return {}
    try:
        with (app / FILE).open("rb") as file:
            content = json.loads(file.read(_LARGEST))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(content, dict):
        return {}
    return {f"served {name}"[:_LONGEST]: str(how)[:_LONGEST] for name, how in content.items()}
