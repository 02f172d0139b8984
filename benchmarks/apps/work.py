"""What the entry scripts of the benchmarks compute, for servers that want it in another form.

``BENCH_MODEL_DIR`` names the folder with the model, ``BENCH_TASK`` what is asked.
"""

import os
import pathlib
import threading
import time

import joblib
import numpy as np

TASK = os.environ["BENCH_TASK"]
RATES = {"north": 1.0, "south": 0.9, "east": 1.1, "west": 1.2}
_device = threading.Lock()


def load_model():
    return joblib.load(pathlib.Path(os.environ["BENCH_MODEL_DIR"], "ridge_model.pkl"))


def score_frame(records):
    import pandas as pd

    data = pd.DataFrame(records)
    return (data["amount"] * data["items"] * (1 - data["discount"]) * data["region"].map(RATES)).tolist()


def score_slowly(rows):
    """As slow.py: 5 ms for a batch of any size, one batch at a time."""
    with _device:
        time.sleep(0.005)
    return np.asarray(rows).sum(axis=1)
