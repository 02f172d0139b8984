"""Kept profiles: one of each name."""

from sqlalchemy import delete, select

from moorage.errors import ProfileNotFound
from moorage.profiling.profile import Profile, read_profile
from moorage.storage.audit import record
from moorage.storage.tables import profiles
from moorage.workspace import Workspace

__all__ = ["get", "keep", "list_profiles"]


def keep(workspace: Workspace, profile: Profile) -> None:
    """Keep a profile in place of an earlier one of its name."""
    with workspace.database.write() as connection:
        connection.execute(delete(profiles).where(profiles.c.name == profile.name))
        connection.execute(
            profiles.insert().values(
                name=profile.name,
                document=profile.document(),
                created_at=profile.created_at,
                created_by=profile.created_by,
            )
        )
        record(connection, "profile.kept", f"profile {profile.name}")


def get(workspace: Workspace, name: str) -> Profile:
    """Return a profile; raises `ProfileNotFound`."""
    with workspace.database.read() as connection:
        row = connection.execute(select(profiles).where(profiles.c.name == name)).first()
    if row is None:
        raise ProfileNotFound(name)
    return read_profile(row.name, row.document, row.created_at, row.created_by)


def list_profiles(workspace: Workspace) -> list[Profile]:
    """Return all profiles by name."""
    with workspace.database.read() as connection:
        rows = connection.execute(select(profiles).order_by(profiles.c.name)).all()
    return [read_profile(row.name, row.document, row.created_at, row.created_by) for row in rows]
