"""The command ``moor``: one file per command group. Decode the flags, call one function, print the answer."""
