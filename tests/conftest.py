"""What holds for all tests."""

import os

# Services run in the Python of the tests, offline and at once; tests about environments say otherwise.
os.environ["MOORAGE_ENVIRONMENTS"] = "as-is"
# What was meant for ACI runs as processes, also where there is an engine; tests of containers say otherwise.
os.environ["MOORAGE_CONTAINER_ENGINE"] = "none"
