"""Where the services of the prices team run."""

from azureml.core import Workspace
from azureml.core.authentication import ServicePrincipalAuthentication
from azureml.core.webservice import AciWebservice, AksWebservice

SERVICE = "prices"


def get_workspace() -> Workspace:
    auth = ServicePrincipalAuthentication(
        tenant_id="tenant", service_principal_id="robot", service_principal_password="from the vault"
    )
    return Workspace.get(name="prices", auth=auth, subscription_id="sub", resource_group="prices")


def configuration(kind):
    if kind == "aci":
        return AciWebservice.deploy_configuration(
            cpu_cores=0.5, memory_gb=1, auth_enabled=True, location="westeurope", tags={"stage": "test"}
        )
    return AksWebservice.deploy_configuration(
        autoscale_enabled=True,
        autoscale_min_replicas=1,
        autoscale_max_replicas=2,
        cpu_cores=0.5,
        memory_gb=1,
        scoring_timeout_ms=5000,
        token_auth_enabled=True,
        auth_enabled=False,
    )
