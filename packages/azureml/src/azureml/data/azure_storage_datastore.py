"""Data stores by the kind of account that held them."""

from azureml.core.datastore import Datastore

__all__ = ["AbstractAzureStorageDatastore", "AzureBlobDatastore", "AzureFileDatastore"]


class AbstractAzureStorageDatastore(Datastore):
    """A place for files."""


class AzureBlobDatastore(AbstractAzureStorageDatastore):
    """The place that ``workspaceblobstore`` is."""


class AzureFileDatastore(AbstractAzureStorageDatastore):
    """The place that ``workspacefilestore`` is."""
