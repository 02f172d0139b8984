"""Train a Ridge regression on the diabetes data (442 rows, 10 columns) that come with scikit-learn.

python train.py ridge_model.pkl [ALPHA]
"""

import sys
from pathlib import Path

import joblib
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge


def train(target: Path, alpha: float = 1.0) -> None:
    """Write the pickled model to ``target``."""
    features, progression = load_diabetes(return_X_y=True)
    joblib.dump(Ridge(alpha=alpha).fit(features, progression), target)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: python train.py FILE [ALPHA], for example: python train.py ridge_model.pkl")
    train(Path(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 1.0)
    print(f"wrote {sys.argv[1]}")
