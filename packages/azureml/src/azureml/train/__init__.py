"""Training names of Azure ML v1 that deployment code imports; other distributions may add modules here."""

from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)
