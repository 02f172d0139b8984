"""``AciWebservice``: a service of one container; without an engine, processes of this machine."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from azureml.core.webservice import _changes, _kinds
from azureml.core.webservice._aci_configuration import AciServiceDeploymentConfiguration
from azureml.core.webservice._parts import (
    AciContainerResourceRequirements as ContainerResourceRequirements,
)
from azureml.core.webservice._parts import EncryptionProperties, VnetConfiguration
from azureml.core.webservice.webservice import Webservice
from moorage import models, services
from moorage.deployments import ContainerConfig, LocalConfig

if TYPE_CHECKING:
    from azureml.core.workspace import Workspace

__all__ = [
    "AciServiceDeploymentConfiguration",
    "AciWebservice",
    "ContainerResourceRequirements",
    "EncryptionProperties",
    "VnetConfiguration",
]


class AciWebservice(Webservice):
    """See Webservice."""

    _compute_type: ClassVar[str] = "ACI"

    location: str | None
    public_ip: str | None
    public_fqdn: str | None
    cname: str | None
    ssl_enabled: bool
    ssl_certificate: str | None
    ssl_key: str | None
    encryption_properties: EncryptionProperties | None
    vnet_configuration: VnetConfiguration | None

    def _show(self, workspace: "Workspace", record: services.Service) -> None:
        super()._show(workspace, record)
        asked = _kinds.asked_of(record)
        has = record.resources or models.ResourceConfiguration()
        self.container_resource_requirements = ContainerResourceRequirements(
            asked.get("cpu_cores") or has.cpu_cores,
            asked.get("memory_gb") or has.memory_gb,
        )
        self.location = asked.get("location") or workspace.location
        self.public_ip, self.public_fqdn = "127.0.0.1", "localhost"
        config = record.deployment_config
        has_tls = isinstance(config, LocalConfig | ContainerConfig) and config.ssl_enabled
        tls = config if has_tls and isinstance(config, LocalConfig | ContainerConfig) else LocalConfig()
        self.ssl_enabled, self.cname = tls.ssl_enabled, tls.ssl_cname
        self.ssl_certificate, self.ssl_key = tls.ssl_certificate_path, tls.ssl_key_path
        self.encryption_properties, self.vnet_configuration = None, None

    @staticmethod
    def deploy_configuration(
        cpu_cores: float | None = None,
        memory_gb: float | None = None,
        tags: Mapping[str, str] | None = None,
        properties: Mapping[str, str] | None = None,
        description: str | None = None,
        location: str | None = None,
        auth_enabled: bool | None = None,
        ssl_enabled: bool | None = None,
        enable_app_insights: bool | None = None,
        ssl_cert_pem_file: str | None = None,
        ssl_key_pem_file: str | None = None,
        ssl_cname: str | None = None,
        dns_name_label: str | None = None,
        primary_key: str | None = None,
        secondary_key: str | None = None,
        collect_model_data: bool | None = None,
        cmk_vault_base_url: str | None = None,
        cmk_key_name: str | None = None,
        cmk_key_version: str | None = None,
        vnet_name: str | None = None,
        subnet_name: str | None = None,
    ) -> AciServiceDeploymentConfiguration:
        """Describe what the service needs; see AciServiceDeploymentConfiguration."""
        return AciServiceDeploymentConfiguration(**locals())

    def update(
        self,
        image: Any = None,
        tags: Mapping[str, str] | None = None,
        properties: Mapping[str, str] | None = None,
        description: str | None = None,
        auth_enabled: bool | None = None,
        ssl_enabled: bool | None = None,
        ssl_cert_pem_file: str | None = None,
        ssl_key_pem_file: str | None = None,
        ssl_cname: str | None = None,
        enable_app_insights: bool | None = None,
        models: Sequence[Any] | None = None,
        inference_config: Any = None,
    ) -> None:
        """Change what is given; tags replace, properties are added.

        Raises:
            WebserviceException: nothing is given, or the change cannot work.
        """
        given = {name: value for name, value in locals().items() if name != "self" and value is not None}
        _changes.update(self, given)

    def add_tags(self, tags: Mapping[str, str]) -> None:
        """Add tags; a key that is there gets the new value."""
        _changes.add_tags(self, tags)

    def remove_tags(self, tags: Sequence[str]) -> None:
        """Remove tags by key; a missing one is only mentioned."""
        _changes.remove_tags(self, tags)

    def add_properties(self, properties: Mapping[str, str]) -> None:
        """Add properties; a key that is there cannot change."""
        _changes.add_properties(self, properties)

    def run(self, input_data: str | bytes) -> Any:
        """Send one request and return the parsed JSON of the answer; see Webservice."""
        return super().run(input_data)
