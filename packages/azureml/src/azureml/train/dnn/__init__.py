"""Training jobs with frameworks for neural networks."""

from azureml._outside import TRAINING, outside

__all__ = ["Chainer", "Gloo", "Horovod", "Mpi", "Nccl", "ParameterServer", "PyTorch", "TensorFlow"]

Chainer = outside("Chainer", TRAINING)
Gloo = outside("Gloo", TRAINING)
Horovod = outside("Horovod", TRAINING)
Mpi = outside("Mpi", TRAINING)
Nccl = outside("Nccl", TRAINING)
ParameterServer = outside("ParameterServer", TRAINING)
PyTorch = outside("PyTorch", TRAINING)
TensorFlow = outside("TensorFlow", TRAINING)
