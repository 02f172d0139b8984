"""``AksCompute`` and its configurations, which are checked as before; clusters are not built yet."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from azureml.core.compute.compute import (
    INSTEAD,
    ComputeTarget,
    ComputeTargetAttachConfiguration,
    ComputeTargetProvisioningConfiguration,
    ComputeTargetUpdateConfiguration,
)
from azureml.exceptions import ComputeTargetException, NotYetAvailable

if TYPE_CHECKING:
    from azureml.core.workspace import Workspace

__all__ = [
    "AksAttachConfiguration",
    "AksCompute",
    "AksProvisioningConfiguration",
    "AksUpdateConfiguration",
    "SslConfiguration",
    "SystemService",
]

_RESOURCE_ID = re.compile(
    r"/subscriptions/[^/]+/resourcegroups/[^/]+/providers/microsoft\.containerservice/managedclusters/[^/]+",
    re.IGNORECASE,
)
_LOAD_BALANCERS = ("PublicIp", "InternalLoadBalancer")


class SslConfiguration:
    """Certificates of a cluster; ``cert`` and ``key`` are the texts of PEM files."""

    def __init__(
        self,
        status: str | None = None,
        cert: str | None = None,
        key: str | None = None,
        cname: str | None = None,
        leaf_domain_label: str | None = None,
        overwrite_existing_domain: bool = False,
        renew: bool = False,
    ) -> None:
        self.status, self.cert, self.key, self.cname = status, cert, key, cname
        self.leaf_domain_label = leaf_domain_label
        self.overwrite_existing_domain, self.renew = overwrite_existing_domain, renew

    def serialize(self) -> dict[str, Any]:
        """Return the form of the REST interface."""
        return {
            "status": self.status,
            "cert": self.cert,
            "key": self.key,
            "cname": self.cname,
            "leafDomainLabel": self.leaf_domain_label,
            "overwriteExistingDomain": self.overwrite_existing_domain,
            "renew": self.renew,
        }

    @staticmethod
    def deserialize(object_dict: Mapping[str, Any] | None) -> "SslConfiguration | None":
        """Read what ``serialize`` returned; None stays None."""
        if object_dict is None:
            return None
        return SslConfiguration(
            object_dict.get("status"),
            object_dict.get("cert"),
            object_dict.get("key"),
            object_dict.get("cname"),
            object_dict.get("leafDomainLabel"),
            bool(object_dict.get("overwriteExistingDomain")),
            bool(object_dict.get("renew")),
        )


class SystemService:
    """A service that the platform ran in a cluster."""

    def __init__(self, service_type: str, version: str, public_ip_address: str) -> None:
        self.service_type, self.version = service_type, version
        self.public_ip_address = public_ip_address

    def serialize(self) -> dict[str, Any]:
        """Return the form of the REST interface."""
        return {
            "serviceType": self.service_type,
            "version": self.version,
            "publicIpAddress": self.public_ip_address,
        }

    @staticmethod
    def deserialize(object_dict: Mapping[str, Any]) -> "SystemService":
        """Read what ``serialize`` returned."""
        return SystemService(
            object_dict["serviceType"], object_dict["version"], object_dict["publicIpAddress"]
        )


class _Ssl:
    """What provisioning and attaching share: certificates by file, or by a generated domain."""

    ssl_cname: str | None = None
    ssl_cert_pem_file: str | None = None
    ssl_key_pem_file: str | None = None
    leaf_domain_label: str | None = None
    overwrite_existing_domain: bool = False

    def enable_ssl(
        self,
        ssl_cname: str | None = None,
        ssl_cert_pem_file: str | None = None,
        ssl_key_pem_file: str | None = None,
        leaf_domain_label: str | None = None,
        overwrite_existing_domain: bool = False,
    ) -> None:
        """Name the certificate's files, or the label of a domain that gets one."""
        self.ssl_cname = ssl_cname
        self.ssl_cert_pem_file, self.ssl_key_pem_file = ssl_cert_pem_file, ssl_key_pem_file
        self.leaf_domain_label = leaf_domain_label
        self.overwrite_existing_domain = overwrite_existing_domain
        _all_or_none("SSL", ssl_cname, ssl_cert_pem_file, ssl_key_pem_file)


class AksProvisioningConfiguration(_Ssl, ComputeTargetProvisioningConfiguration):
    """What a new cluster should be."""

    def __init__(
        self,
        agent_count: int | None,
        vm_size: str | None,
        ssl_cname: str | None,
        ssl_cert_pem_file: str | None,
        ssl_key_pem_file: str | None,
        location: str | None,
        vnet_resourcegroup_name: str | None,
        vnet_name: str | None,
        subnet_name: str | None,
        service_cidr: str | None,
        dns_service_ip: str | None,
        docker_bridge_cidr: str | None,
        cluster_purpose: str | None,
        load_balancer_type: str | None,
        load_balancer_subnet: str | None,
    ) -> None:
        super().__init__("AKS", location)
        self.agent_count, self.vm_size = agent_count, vm_size
        self.ssl_cname = ssl_cname
        self.ssl_cert_pem_file, self.ssl_key_pem_file = ssl_cert_pem_file, ssl_key_pem_file
        self.vnet_resourcegroup_name, self.vnet_name = vnet_resourcegroup_name, vnet_name
        self.subnet_name, self.service_cidr = subnet_name, service_cidr
        self.dns_service_ip, self.docker_bridge_cidr = dns_service_ip, docker_bridge_cidr
        self.cluster_purpose = cluster_purpose
        self.load_balancer_type, self.load_balancer_subnet = load_balancer_type, load_balancer_subnet
        self.validate_configuration()

    def validate_configuration(self) -> None:
        """Raise ComputeTargetException when values that belong together are not all given."""
        _all_or_none("SSL", self.ssl_cname, self.ssl_cert_pem_file, self.ssl_key_pem_file)
        _all_or_none(
            "the virtual network",
            self.vnet_resourcegroup_name,
            self.vnet_name,
            self.subnet_name,
            self.service_cidr,
            self.dns_service_ip,
            self.docker_bridge_cidr,
        )
        if self.agent_count is not None and self.agent_count <= 0:
            raise ComputeTargetException(f"agent_count must be greater than 0, not {self.agent_count}")
        _check_load_balancer(self.load_balancer_type, self.load_balancer_subnet)


class AksAttachConfiguration(_Ssl, ComputeTargetAttachConfiguration):
    """Which existing cluster is meant: group and name, or the resource id."""

    def __init__(
        self,
        resource_group: str | None = None,
        cluster_name: str | None = None,
        resource_id: str | None = None,
        cluster_purpose: str | None = None,
        load_balancer_type: str | None = None,
        load_balancer_subnet: str | None = None,
    ) -> None:
        super().__init__("AKS")
        self.resource_group, self.cluster_name = resource_group, cluster_name
        self.resource_id, self.cluster_purpose = resource_id, cluster_purpose
        self.load_balancer_type, self.load_balancer_subnet = load_balancer_type, load_balancer_subnet
        self.validate_configuration()

    def validate_configuration(self) -> None:
        """Raise ComputeTargetException when no cluster is named."""
        if self.resource_id is not None:
            if not _RESOURCE_ID.fullmatch(self.resource_id):
                raise ComputeTargetException(
                    f"resource_id: {self.resource_id!r} is not the id of a managed cluster"
                )
        elif not (self.resource_group and self.cluster_name):
            raise ComputeTargetException("give resource_group and cluster_name, or resource_id")
        _check_load_balancer(self.load_balancer_type, self.load_balancer_subnet)


class AksUpdateConfiguration(ComputeTargetUpdateConfiguration):
    """What should change in a cluster."""

    def __init__(
        self,
        ssl_configuration: SslConfiguration | None = None,
        load_balancer_type: str | None = None,
        load_balancer_subnet: str | None = None,
    ) -> None:
        super().__init__("AKS")
        self.ssl_configuration = ssl_configuration
        self.load_balancer_type, self.load_balancer_subnet = load_balancer_type, load_balancer_subnet

    def validate_configuration(self) -> None:
        """Raise ComputeTargetException when the load balancer is not described rightly."""
        _check_load_balancer(self.load_balancer_type, self.load_balancer_subnet)


class AksCompute(ComputeTarget):
    """A cluster that runs services in replicas; see ComputeTarget."""

    class ClusterPurpose:
        """How many nodes a new cluster needs at least."""

        FAST_PROD = "FastProd"
        DEV_TEST = "DevTest"

    agent_count: int
    agent_vm_size: str
    cluster_fqdn: str
    cluster_purpose: str
    is_attached: bool
    load_balancer_subnet: str | None
    load_balancer_type: str | None
    modified_on: datetime
    ssl_configuration: SslConfiguration | None
    system_services: list[SystemService]

    @staticmethod
    def provisioning_configuration(
        agent_count: int | None = None,
        vm_size: str | None = None,
        ssl_cname: str | None = None,
        ssl_cert_pem_file: str | None = None,
        ssl_key_pem_file: str | None = None,
        location: str | None = None,
        vnet_resourcegroup_name: str | None = None,
        vnet_name: str | None = None,
        subnet_name: str | None = None,
        service_cidr: str | None = None,
        dns_service_ip: str | None = None,
        docker_bridge_cidr: str | None = None,
        cluster_purpose: str | None = None,
        load_balancer_type: str | None = None,
        load_balancer_subnet: str | None = None,
    ) -> AksProvisioningConfiguration:
        """Describe a new cluster."""
        return AksProvisioningConfiguration(**locals())

    @staticmethod
    def attach_configuration(
        resource_group: str | None = None,
        cluster_name: str | None = None,
        resource_id: str | None = None,
        cluster_purpose: str | None = None,
        load_balancer_type: str | None = None,
        load_balancer_subnet: str | None = None,
    ) -> AksAttachConfiguration:
        """Name an existing cluster."""
        return AksAttachConfiguration(**locals())

    @staticmethod
    def attach(workspace: "Workspace", name: str, resource_id: str) -> ComputeTarget:
        """Not built yet; deprecated."""
        raise NotYetAvailable("AksCompute.attach()", INSTEAD)

    def get_credentials(self) -> dict[str, Any]:
        """Return how to sign in to the cluster."""
        raise NotYetAvailable("AksCompute.get_credentials()", INSTEAD)

    def update(self, update_configuration: AksUpdateConfiguration) -> None:
        """Change the cluster."""
        raise NotYetAvailable("AksCompute.update()", INSTEAD)


def _all_or_none(subject: str, *values: str | None) -> None:
    if any(values) and not all(values):
        raise ComputeTargetException(f"the {len(values)} values of {subject} belong together: all or none")


def _check_load_balancer(kind: str | None, subnet: str | None) -> None:
    if kind is not None and kind not in _LOAD_BALANCERS:
        raise ComputeTargetException(f"load_balancer_type: {kind!r} is none of {', '.join(_LOAD_BALANCERS)}")
    if subnet and kind != "InternalLoadBalancer":
        raise ComputeTargetException("load_balancer_subnet needs load_balancer_type='InternalLoadBalancer'")
