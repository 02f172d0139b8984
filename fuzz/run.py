"""Run one fuzz target under atheris: ``.venv/bin/python fuzz/run.py decode_arrays -max_total_time=60``

A target is a module of this folder with ``check(data)``, which raises for a finding, ``SEEDS`` and ``WORDS``.
The options are those of libFuzzer. ``make fuzz SECONDS=60`` runs all targets.
"""

import importlib
import sys
import tempfile
from pathlib import Path

import atheris

CACHE = Path(__file__).resolve().parents[1] / ".cache" / "fuzz"


def main() -> None:
    """Look for inputs that make the check fail; those that reach new code are kept under ``.cache/fuzz``."""
    name, *options = sys.argv[1:]
    with atheris.instrument_imports(include=["moorage_server", "moorage_runtime", name]):
        target = importlib.import_module(name)
    corpus = CACHE / name
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.SEEDS):
        (corpus / f"seed-{number}").write_bytes(seed)
    with tempfile.NamedTemporaryFile("w", suffix=".dict") as dictionary:
        for word in target.WORDS:
            dictionary.write('"' + "".join(f"\\x{byte:02x}" for byte in word) + '"\n')
        dictionary.flush()
        # Findings go where the corpus is, not into the current folder.
        fixed = [f"-dict={dictionary.name}", f"-artifact_prefix={CACHE}/", "-max_len=4096", "-timeout=10"]
        # What is compiled cannot be watched: seeds stay, though they seem to show nothing new.
        atheris.Setup([sys.argv[0], *fixed, "-keep_seed=1", *options, str(corpus)], target.check)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
