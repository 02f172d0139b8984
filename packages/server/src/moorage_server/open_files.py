"""How many connections this process can hold: each one is an open file."""

import contextlib
import resource

RESERVED = 256  # for scorers, logs and libraries; without them nothing could be answered any more


def make_room(connections: int) -> int:
    """Let this process open enough files for so many connections; return how many there is room for."""
    wanted = connections + RESERVED
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if _is_less(soft, wanted):
        raised = wanted if not _is_less(hard, wanted) else hard
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
            soft = raised
    if not _is_less(soft, wanted):
        return connections
    return min(connections, max(soft - RESERVED, soft // 2))


def _is_less(limit: int, wanted: int) -> bool:
    return limit != resource.RLIM_INFINITY and limit < wanted
