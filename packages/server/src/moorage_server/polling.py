"""When the front polls for an answer instead of sleeping until it comes: where a service sets ``spin_us``.

To wake a process that sleeps costs more than the front does for a request, and for a client that sends one
request after the other that has to be done four times for each: in the client, and twice in the front, and in
the scorer, which polls for ``spin_us``. Polling is of use only if both do.
"""

SEQUENTIAL = 16  # so many requests in a row that had the service for themselves: one client, one at a time
MISS = 8  # as much as so many hits make up for
MAX_MISSES = 4 * MISS
PAUSE = 2000  # requests without polling when there were more misses than that
FAST_RUN_S = 0.0004  # a longer run makes a wake-up not worth mentioning
LONGER_S = 0.0001  # than its run may an answer take
# A step of the loop that takes so long was interrupted: other processes need the processor more.
DESCHEDULED_S = 0.0005
NEVER = 1 << 62
