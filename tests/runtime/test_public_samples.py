"""What a scorer says about samples, which everybody who reads the OpenAPI document sees."""

import json

SCRIPT = """
    from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
    from inference_schema.schema_decorators import input_schema

    def init():
        pass

    @input_schema("user", StandardPythonParameterType({"email": "ann@example.org", "age": 30}))
    def run(user):
        return user
"""


def test_a_sample_with_personal_data_is_named_and_shown(scorer) -> None:
    ready = scorer(SCRIPT).ready
    (notice,) = [text for text in ready["notices"] if "looks like" in text]
    assert notice.startswith("the sample at user.email looks like an e-mail address")
    assert "ann@" not in notice
    assert "ann@example.org" in json.dumps(ready["openapi"])


def test_samples_can_be_kept_out_of_the_document(scorer) -> None:
    ready = scorer(SCRIPT, public_examples=False).ready
    assert not [text for text in ready["notices"] if "looks like" in text]
    assert sorted(ready["openapi"]) == ["2", "3", "3.1"]
    assert "ann@example.org" not in json.dumps(ready["openapi"])
    # The front still scores it once before the service goes live.
    assert "ann@example.org" in ready["sample"]
