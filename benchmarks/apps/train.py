"""Train the model of the benchmarks with the interpreter that will load it: python train.py FOLDER."""

import pathlib
import sys

import joblib
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

target = pathlib.Path(sys.argv[1])
target.mkdir(parents=True, exist_ok=True)
joblib.dump(Ridge().fit(*load_diabetes(return_X_y=True)), target / "ridge_model.pkl")
