"""The import names of Azure ML v1, served by Moorage: thin adapters over the ``moorage`` package.

Other distributions also install modules below ``azureml``. Extending the package's path lets the
import system find theirs beside ours, in whichever order they were installed.
"""

from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)
