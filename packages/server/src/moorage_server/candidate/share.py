"""Which requests are for the other revision: so many of each hundred, no rhythm in it."""

import random


class Share:
    """Says for one request after the other whether it is chosen.

    Of each block of 100 requests exactly ``percent`` are, at random places: a client that sends every tenth
    request differently from the others must not end up at the same revision each time.
    """

    def __init__(self, percent: int, *, seed: int | None = None) -> None:
        self._percent = percent
        self._random = random.Random(seed)
        self._chosen: list[bool] = []

    def takes(self) -> bool:
        if not self._chosen:
            self._chosen = [True] * self._percent + [False] * (100 - self._percent)
            self._random.shuffle(self._chosen)
        return self._chosen.pop()
