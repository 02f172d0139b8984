"""Which variables of the deploying process a service gets: what a program needs to run, and no secrets."""

from collections.abc import Mapping

# A service must behave the same whoever starts it, and must not know the credentials of whoever did.
_NAMES = frozenset(
    {
        "PATH",
        "HOME",
        "USER",
        "LOGNAME",
        "SHELL",
        "LANG",
        "LANGUAGE",
        "TZ",
        "TMPDIR",
        "LD_LIBRARY_PATH",
        "DYLD_LIBRARY_PATH",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
        "JAVA_HOME",
        "SPARK_HOME",
        "HADOOP_HOME",
        "PYTHONPYCACHEPREFIX",
        "PYENV_ROOT",
        "SYSTEMROOT",
    }
)
_PREFIXES = (
    "LC_",
    "OMP_",
    "MKL_",
    "OPENBLAS_",
    "KMP_",
    "CUDA_",
    "NVIDIA_",
    # Coverage of child processes, when our own tests are measured.
    "COVERAGE_",
)


def service_variables(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the part of ``variables`` that the processes of a service get."""
    return {name: variables[name] for name in variables if name in _NAMES or name.startswith(_PREFIXES)}
