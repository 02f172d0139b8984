"""What scorers of a second revision get from the front that they belong to."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from moorage_server import scorer_user
from moorage_server.cgroups import ServiceGroup
from moorage_server.resources import ScorerLimits
from moorage_server.scorers import ScorerPool
from moorage_server.settings import ServiceSettings
from moorage_server.variables import script_variables


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The ports of the front (the last one is for health), and the control group of its scorers."""

    ports: tuple[int, ...]
    group: ServiceGroup | None

    async def pool(self, settings: ServiceSettings, on_scorers: Callable[[list[int]], None]) -> ScorerPool:
        """Prepare scorers for other settings.

        Raises:
            InvalidSettings: they name a user that scorers cannot have.
        """
        # Looks at files and starts a process: the requests of others do not wait for that.
        user = await asyncio.to_thread(scorer_user.take, settings)
        return ScorerPool(
            settings,
            variables={**script_variables(settings, self.ports), **(user.variables if user else {})},
            on_scorers=on_scorers,
            limits=ScorerLimits.of(settings, user, self.group),
            # Old scripts name files relative to the application root; that of the front is another one's.
            folder=settings.app_root,
        )
