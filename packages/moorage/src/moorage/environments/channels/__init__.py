"""Packages of conda channels: looked up and installed by py-rattler, in a process of its own."""
