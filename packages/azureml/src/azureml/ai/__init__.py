"""Names of services that old scripts import; other distributions may add modules here."""

from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)
