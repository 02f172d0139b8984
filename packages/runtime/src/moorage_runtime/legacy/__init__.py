"""Stand-ins for the import names of old entry scripts, without any installation."""


def install() -> None:
    """Put the stand-ins first in ``sys.meta_path``; doing it twice changes nothing."""
