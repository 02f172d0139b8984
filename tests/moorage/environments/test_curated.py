"""The ready-made environments of the old platform."""

import pytest

from moorage.environments.curated import curated_environment


@pytest.mark.parametrize(
    ("name", "packages", "pip"),
    [
        (
            "AzureML-sklearn-0.24-ubuntu18.04-py37-cpu-inference",
            ("python=3.7",),
            ("scikit-learn==0.24.*",),
        ),
        ("AzureML-sklearn-0.24.1-ubuntu18.04-py37-cpu", ("python=3.7",), ("scikit-learn==0.24.1.*",)),
        ("AzureML-Scikit-learn-0.20.3", (), ("scikit-learn==0.20.3.*",)),
        ("AzureML-PyTorch-1.3-CPU", (), ("torch==1.3.*",)),
        ("AzureML-TensorFlow-2.0-GPU", (), ("tensorflow==2.0.*",)),
        ("AzureML-onnxruntime-1.6-ubuntu18.04-py37-cpu-inference", ("python=3.7",), ("onnxruntime==1.6.*",)),
        ("AzureML-minimal-ubuntu18.04-py37-cpu-inference", ("python=3.7",), ()),
        ("AzureML-lightgbm-3.2-ubuntu18.04-py310-cpu", ("python=3.10",), ("lightgbm==3.2.*",)),
        ("AzureML-Minimal", (), ()),
    ],
)
def test_a_name_says_what_was_in_it(name: str, packages: tuple[str, ...], pip: tuple[str, ...]) -> None:
    found = curated_environment(name)
    assert found is not None
    assert found.conda is not None
    assert (found.conda.packages, found.conda.pip) == (packages, pip)
    assert found.name == f"curated-{name.removeprefix('AzureML-')}"


@pytest.mark.parametrize("name", ["myenv", "AzureML-", "AzureML-Something-1.0", "sklearn-0.24"])
def test_other_names_are_none_of_them(name: str) -> None:
    assert curated_environment(name) is None
