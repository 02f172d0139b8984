"""A service of a kind that this version does not know."""

from azureml.core.webservice.webservice import Webservice

__all__ = ["UnknownWebservice"]


class UnknownWebservice(Webservice):
    """Everything that all services can do."""
