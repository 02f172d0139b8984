"""Clusters and machines for training: their configurations can be written, none can be created."""

from typing import Any, ClassVar

from azureml.core.compute.compute import (
    ComputeTarget,
    ComputeTargetAttachConfiguration,
    ComputeTargetProvisioningConfiguration,
)

__all__ = [
    "AmlCompute",
    "ComputeInstance",
    "DataFactoryCompute",
    "DatabricksCompute",
    "HDInsightCompute",
    "KubernetesCompute",
    "RemoteCompute",
]


class _TrainingCompute(ComputeTarget):
    _kind: ClassVar[str]

    @classmethod
    def provisioning_configuration(cls, *args: Any, **kwargs: Any) -> ComputeTargetProvisioningConfiguration:
        """Describe a new one; ``ComputeTarget.create`` says what to do instead."""
        made = ComputeTargetProvisioningConfiguration(cls._kind, kwargs.get("location"))
        vars(made).update(kwargs)
        return made

    @classmethod
    def attach_configuration(cls, *args: Any, **kwargs: Any) -> ComputeTargetAttachConfiguration:
        """Name an existing one; ``ComputeTarget.attach`` says what to do instead."""
        made = ComputeTargetAttachConfiguration(cls._kind)
        vars(made).update(kwargs)
        return made


class AmlCompute(_TrainingCompute):
    """A cluster that trained models."""

    _kind = "AmlCompute"


class ComputeInstance(_TrainingCompute):
    """A machine for notebooks."""

    _kind = "ComputeInstance"


class RemoteCompute(_TrainingCompute):
    """A machine reached with SSH."""

    _kind = "VirtualMachine"


class KubernetesCompute(_TrainingCompute):
    """A cluster that trained models and answered requests."""

    _kind = "Kubernetes"


class DataFactoryCompute(_TrainingCompute):
    """A data factory."""

    _kind = "DataFactory"


class DatabricksCompute(_TrainingCompute):
    """A Databricks workspace."""

    _kind = "Databricks"


class HDInsightCompute(_TrainingCompute):
    """A Spark cluster."""

    _kind = "HDInsight"
