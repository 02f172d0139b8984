"""Searches for hyperparameters."""

from azureml._outside import TRAINING, outside

__all__ = [
    "BanditPolicy",
    "BayesianParameterSampling",
    "GridParameterSampling",
    "HyperDriveConfig",
    "HyperDriveRun",
    "HyperDriveRunConfig",
    "MedianStoppingPolicy",
    "NoTerminationPolicy",
    "PrimaryMetricGoal",
    "RandomParameterSampling",
    "TruncationSelectionPolicy",
    "choice",
    "lognormal",
    "loguniform",
    "normal",
    "qlognormal",
    "qloguniform",
    "qnormal",
    "quniform",
    "randint",
    "uniform",
]

BanditPolicy = outside("BanditPolicy", TRAINING)
BayesianParameterSampling = outside("BayesianParameterSampling", TRAINING)
GridParameterSampling = outside("GridParameterSampling", TRAINING)
HyperDriveConfig = outside("HyperDriveConfig", TRAINING)
HyperDriveRun = outside("HyperDriveRun", TRAINING)
HyperDriveRunConfig = outside("HyperDriveRunConfig", TRAINING)
MedianStoppingPolicy = outside("MedianStoppingPolicy", TRAINING)
NoTerminationPolicy = outside("NoTerminationPolicy", TRAINING)
PrimaryMetricGoal = outside("PrimaryMetricGoal", TRAINING)
RandomParameterSampling = outside("RandomParameterSampling", TRAINING)
TruncationSelectionPolicy = outside("TruncationSelectionPolicy", TRAINING)
choice = outside("choice", TRAINING)
lognormal = outside("lognormal", TRAINING)
loguniform = outside("loguniform", TRAINING)
normal = outside("normal", TRAINING)
qlognormal = outside("qlognormal", TRAINING)
qloguniform = outside("qloguniform", TRAINING)
qnormal = outside("qnormal", TRAINING)
quniform = outside("quniform", TRAINING)
randint = outside("randint", TRAINING)
uniform = outside("uniform", TRAINING)
