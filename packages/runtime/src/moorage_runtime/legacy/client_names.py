"""Names of the SDK that scripts import from habit, and that have no work to do inside a service."""

from typing import Any

from .exceptions import UserErrorException

VERSION = "1.61.0"  # the last release of the SDK whose interface is followed


class _ClientOnly(type):
    """Importing such a class is harmless; using it says what is wrong."""

    def _refuse(cls) -> Any:
        raise UserErrorException(
            "%s is not available inside a service: a scorer has no access to the workspace. Install "
            "azureml-core in the service's environment if the script must have it." % cls.__name__
        )

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        return cls._refuse()

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return cls._refuse()


class Workspace(metaclass=_ClientOnly):
    pass


class Experiment(metaclass=_ClientOnly):
    pass


class Dataset(metaclass=_ClientOnly):
    pass


class Datastore(metaclass=_ClientOnly):
    pass


class Environment(metaclass=_ClientOnly):
    pass


class Webservice(metaclass=_ClientOnly):
    pass


class InferenceConfig(metaclass=_ClientOnly):
    pass
