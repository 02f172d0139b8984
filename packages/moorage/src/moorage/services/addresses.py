"""Addresses of services as clients write them."""

from urllib.parse import urlsplit

from moorage.deployments import ContainerConfig, DeploymentConfig, LocalConfig


def public_address(uri: str | None, config: DeploymentConfig | None) -> str | None:
    """Return the address of what listens at ``uri``: over TLS, and by the name in its certificate."""
    if uri is None or not isinstance(config, LocalConfig | ContainerConfig) or not config.ssl_enabled:
        return uri
    parts = urlsplit(uri)
    place = parts.netloc if config.ssl_cname is None else f"{config.ssl_cname}:{parts.port}"
    return f"https://{place}{parts.path}"
