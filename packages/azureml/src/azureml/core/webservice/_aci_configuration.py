"""The deployment configuration of a service of one container."""

from collections.abc import Iterator, Mapping

from azureml.core.webservice._configuration import (
    WebserviceDeploymentConfiguration,
    all_or_none,
    missing_files,
    positive,
)
from moorage.deployments import ContainerConfig

__all__ = ["AciServiceDeploymentConfiguration"]


class AciServiceDeploymentConfiguration(WebserviceDeploymentConfiguration):
    """Cores, GB, keys. Checked when it is made.

    Raises:
        WebserviceException: a value is out of range, or values that belong together are not all given.
    """

    def __init__(
        self,
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
    ) -> None:
        super().__init__("ACI", description, tags, properties, primary_key, secondary_key, location)
        self.cpu_cores, self.memory_gb = cpu_cores, memory_gb
        self.auth_enabled, self.ssl_enabled = auth_enabled, ssl_enabled
        self.enable_app_insights, self.collect_model_data = enable_app_insights, collect_model_data
        self.ssl_cert_pem_file, self.ssl_key_pem_file = ssl_cert_pem_file, ssl_key_pem_file
        self.ssl_cname, self.dns_name_label = ssl_cname, dns_name_label
        self.cmk_vault_base_url, self.cmk_key_name = cmk_vault_base_url, cmk_key_name
        self.cmk_key_version = cmk_key_version
        self.vnet_name, self.subnet_name = vnet_name, subnet_name
        self.validate_configuration()

    def validate_configuration(self) -> None:
        """Raise WebserviceException with everything that is wrong, one line each."""
        self._raise_problems(self._problems())

    def _problems(self) -> Iterator[str]:
        yield from positive({"cpu_cores": self.cpu_cores, "memory_gb": self.memory_gb})
        certificates = {
            "ssl_cert_pem_file": self.ssl_cert_pem_file,
            "ssl_key_pem_file": self.ssl_key_pem_file,
        }
        if self.ssl_enabled:
            needed = {**certificates, "ssl_cname": self.ssl_cname}
            missing = [name for name, value in needed.items() if not value]
            if missing:
                yield f"ssl_enabled needs {', '.join(missing)}"
        yield from missing_files(certificates)
        yield from all_or_none(
            {
                "cmk_vault_base_url": self.cmk_vault_base_url,
                "cmk_key_name": self.cmk_key_name,
                "cmk_key_version": self.cmk_key_version,
            }
        )
        yield from all_or_none({"vnet_name": self.vnet_name, "subnet_name": self.subnet_name})

    def as_record(self) -> ContainerConfig:
        """Return the control plane's form."""
        return ContainerConfig(
            cpu_cores=self.cpu_cores,
            memory_gb=self.memory_gb,
            model_options=self._model_options(),
            location=self.location,
            dns_name_label=self.dns_name_label,
            auth_enabled=bool(self.auth_enabled),
            primary_key=self.primary_key,
            secondary_key=self.secondary_key,
            ssl_enabled=bool(self.ssl_enabled),
            ssl_certificate_path=self.ssl_cert_pem_file,
            ssl_key_path=self.ssl_key_pem_file,
            ssl_cname=self.ssl_cname,
            app_insights_enabled=bool(self.enable_app_insights),
            collect_model_data=bool(self.collect_model_data),
            cmk_vault_base_url=self.cmk_vault_base_url,
            cmk_key_name=self.cmk_key_name,
            cmk_key_version=self.cmk_key_version,
            vnet_name=self.vnet_name,
            subnet_name=self.subnet_name,
        )

    def print_deploy_configuration(self) -> None:
        """Print the resources that were asked for."""
        for label, value in (
            ("CPU requirement", self.cpu_cores),
            ("Memory requirement (GB)", self.memory_gb),
        ):
            if value is not None:
                print(f"{label}: {value}")
