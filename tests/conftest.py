"""What holds for all tests."""

import os

# Services run in the Python of the tests, offline and at once; tests about environments say otherwise.
os.environ["MOORAGE_ENVIRONMENTS"] = "as-is"
