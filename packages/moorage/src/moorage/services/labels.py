"""Tags, properties and description of a service, checked."""

from collections.abc import Mapping, Sequence
from typing import Any

from moorage.errors import PropertyExists
from moorage.models.model import checked_labels, checked_text
from moorage.services.service import Row


def changes_of(
    tags: Mapping[str, object], properties: Mapping[str, object], description: str | None
) -> dict[str, Any]:
    return {
        "tags": checked_labels("tags", tags),
        "properties": checked_labels("properties", properties),
        "description": checked_text("description", description),
    }


def label_changes(
    row: Row,
    *,
    tags: Mapping[str, object] | None,
    add_tags: Mapping[str, object] | None,
    remove_tags: Sequence[str],
    properties: Mapping[str, object] | None,
    description: str | None,
) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if tags is not None or add_tags or remove_tags:
        kept = dict(row.tags) if tags is None else checked_labels("tags", tags)
        for key in remove_tags:
            kept.pop(key, None)
        changes["tags"] = kept | checked_labels("tags", add_tags)
    if properties is not None:
        new = checked_labels("properties", properties)
        for key, value in new.items():
            if row.properties.get(key, value) != value:
                raise PropertyExists(
                    f"property {key!r} of service {row.name} is set already and cannot be changed"
                )
        changes["properties"] = {**row.properties, **new}
    if description is not None:
        changes["description"] = checked_text("description", description)
    return changes
