"""Names that old notebooks import and that have no place here: training jobs, pipelines, cloud resources.

They import, so that the rest of a notebook runs; whoever uses one is told what to do instead.
"""

from typing import Any, NoReturn

from azureml.exceptions import NotYetAvailable

__all__ = ["PIPELINES", "TRAINING", "outside"]

TRAINING = "Run the training script with Python yourself, and register its model with Model.register()."
PIPELINES = "Run the steps with Python yourself, or in the pipeline of your build server."


class _Outside(type):
    """The class of such classes: their static methods say the same as their constructor."""

    _instead: str

    def __call__(cls, *args: Any, **kwargs: Any) -> NoReturn:
        raise NotYetAvailable(cls.__name__, cls._instead)

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)

        def refuse(*args: Any, **kwargs: Any) -> NoReturn:
            raise NotYetAvailable(f"{cls.__name__}.{name}()", cls._instead)

        return refuse


def outside(name: str, instead: str) -> Any:
    """Return a class that raises NotYetAvailable with ``instead`` when it, or a method of it, is called."""
    return _Outside(name, (), {"_instead": instead, "__doc__": "Not available here."})
