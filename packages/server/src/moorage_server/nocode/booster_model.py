"""Native files of XGBoost, LightGBM and CatBoost, served by their own libraries."""

import importlib
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from moorage_server.nocode.errors import InvalidInput, ModelUnusable
from moorage_server.nocode.model import FastInput, Inputs, Model, Outputs, Source
from moorage_server.nocode.scikit_input import Columns
from moorage_server.nocode.tensors import Tensor, to_json

INPUT = "data"


class BoosterModel(Model):
    """Boosted trees; ``predict`` gives what the library's own booster gives, probabilities for classes.

    A subclass loads a file into ``booster``, names the columns, and predicts for (n_rows, n_columns) float64.
    """

    package = ""

    def __init__(self, source: Source) -> None:
        """Load the file ``source.path``.

        Raises:
            ModelUnusable: it is damaged, or the library is not installed.
        """
        super().__init__(source)
        try:
            self.module: Any = importlib.import_module(self.package)
        except ImportError as error:
            text = f"{self.framework} models need the package {self.package}, which is not installed"
            raise ModelUnusable(text) from error
        self.library = f"{self.package} {self.module.__version__}"
        path = Path(source.path)
        try:
            self.booster = self.load(path)
            names, count = self.columns_of()
        except Exception as error:
            lines = str(error).strip().splitlines() or [type(error).__name__]
            raise ModelUnusable(
                f"{path.name} cannot be loaded by {self.library}: {lines[-1][:300]}"
            ) from error
        self.facts = {"served_by": self.library}
        self.input = Columns(_Fitted(names, count))
        self.columns, self.accepts_frames, self.is_rowwise = self.input.names, True, True
        self.inputs = (Tensor(INPUT, "float64", (None, count)),)
        self.outputs = (Tensor("predict", "float64", None),)
        self.fast_input = FastInput(INPUT, "f8", (None, count)) if count else None
        self.sample = {INPUT: [[0.0] * count]}

    def load(self, path: Path) -> Any:
        """Return the booster in a file; raises whatever the library raises."""
        raise NotImplementedError

    def columns_of(self) -> tuple[tuple[str, ...] | None, int]:
        """Return the names of the columns, if there are any, and how many there are."""
        raise NotImplementedError

    def predict(self, rows: Any) -> Any:
        """Return one answer for each row of an array."""
        raise NotImplementedError

    def call(self, inputs: Inputs, method: str, outputs: Sequence[str]) -> Outputs:
        only = inputs.get(INPUT) if set(inputs) == {INPUT} else None
        if only is None:
            rows = self.input.from_columns(dict(inputs))
        elif isinstance(only, np.ndarray):
            rows = self.input.from_rows(only)
        else:
            rows = self.input.from_json(only)
        try:
            array = np.asarray(rows, dtype=np.float64)
        except (ValueError, TypeError) as error:
            raise InvalidInput("the model takes numbers only", INPUT) from error
        return {method: self.run_rows(array)}

    def name_columns(self, names: tuple[str, ...]) -> None:
        if self.input.take_names(names):
            self.columns = names

    def run_rows(self, array: Any) -> Any:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return self.predict(array)
        except (ValueError, TypeError) as error:
            raise InvalidInput(f"the model refuses this input: {str(error)[:300]}", INPUT) from error

    def write_rows(self, value: Any) -> bytes:
        return b'{"predict":' + to_json(value) + b"}"


class _Fitted:
    """What `Columns` looks for in an estimator."""

    def __init__(self, names: tuple[str, ...] | None, count: int) -> None:
        self.feature_names_in_ = names
        self.n_features_in_ = count


class XGBoostModel(BoosterModel):
    framework = "XGBoost"
    package = "xgboost"

    def load(self, path: Path) -> Any:
        booster = self.module.Booster()
        booster.load_model(str(path))
        return booster

    def columns_of(self) -> tuple[tuple[str, ...] | None, int]:
        names = self.booster.feature_names
        return (tuple(names) if names else None), int(self.booster.num_features())

    def predict(self, rows: Any) -> Any:
        return self.booster.inplace_predict(rows, validate_features=False)


class LightGBMModel(BoosterModel):
    framework = "LightGBM"
    package = "lightgbm"

    def load(self, path: Path) -> Any:
        return self.module.Booster(model_file=str(path))

    def columns_of(self) -> tuple[tuple[str, ...] | None, int]:
        names = tuple(self.booster.feature_name())
        count = int(self.booster.num_feature())
        is_numbered = names == tuple(f"Column_{index}" for index in range(count))
        return (None if is_numbered else names), count

    def predict(self, rows: Any) -> Any:
        return self.booster.predict(rows)


class CatBoostModel(BoosterModel):
    framework = "CatBoost"
    package = "catboost"

    def load(self, path: Path) -> Any:
        return self.module.CatBoost().load_model(str(path))

    def columns_of(self) -> tuple[tuple[str, ...] | None, int]:
        names = tuple(self.booster.feature_names_)
        is_numbered = names == tuple(str(index) for index in range(len(names)))
        if self.booster.get_cat_feature_indices():
            raise ValueError("it has categorical columns; deploy it with an entry script")
        return (None if is_numbered else names), len(names)

    def predict(self, rows: Any) -> Any:
        is_classifier = len(self.booster.classes_) > 0
        return self.booster.predict(rows, prediction_type="Probability" if is_classifier else "RawFormulaVal")
