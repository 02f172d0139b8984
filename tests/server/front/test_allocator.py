"""Memory for large bodies is not asked for again with each of them."""

import platform
import subprocess
import sys

import pytest

COUNT_FAULTS = """
import resource
from moorage_server.allocator import keep_freed_memory
if {keep}:
    assert keep_freed_memory()
def work():
    pieces = [bytes(60_000) for _ in range(8)]
    del pieces
for _ in range(20):
    work()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(100):
    work()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="a setting of glibc")
def test_memory_of_large_bodies_is_kept_for_the_next_one():
    def faults(keep):
        code = COUNT_FAULTS.format(keep=keep)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        return int(done.stdout)

    assert faults(True) * 10 < faults(False)
