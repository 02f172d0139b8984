"""Names of frameworks, which decide how a model without a script is served."""

from moorage.spelling import did_you_mean

KNOWN = (
    "CatBoost",
    "Custom",
    "LightGBM",
    "MLflow",
    "Multi",
    "Onnx",
    "PyTorch",
    "ScikitLearn",
    "TensorFlow",
    "TfKeras",
    "XGBoost",
)
_BY_FOLDED = {name.casefold(): name for name in KNOWN}
_OFTEN_SAID = {
    "sklearn": "ScikitLearn",
    "scikit-learn": "ScikitLearn",
    "tf": "TensorFlow",
    "keras": "TfKeras",
}


def usual_spelling(name: str | None) -> str | None:
    """Return a known framework as it is written, whatever the letter case; others as they are."""
    return None if name is None else _BY_FOLDED.get(name.casefold(), name)


def doubt(name: str | None) -> str | None:
    """Return a sentence about a framework that nothing here knows; None if it is known."""
    if name is None or name.casefold() in _BY_FOLDED:
        return None
    meant = _OFTEN_SAID.get(name.casefold())
    question = f"; did you mean {meant}?" if meant else did_you_mean(name, KNOWN)
    return f"the framework {name!r} is only a label: such a model needs an entry script{question}"
