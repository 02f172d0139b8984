"""Native files of boosted trees, with their own libraries: `make frameworks` installs them aside."""

import json

import numpy as np
import pytest

from moorage_server.nocode.errors import ModelUnusable

ROWS = np.random.default_rng(0).normal(size=(60, 3))
TARGET = ROWS[:, 0] * 2 + ROWS[:, 1]


def check(asked, expected, framework):
    assert asked.model.framework == framework
    body = {"data": ROWS[:4].tolist()}
    np.testing.assert_allclose(asked.score(body)["predict"], expected[:4], rtol=1e-5)
    np.testing.assert_allclose(
        asked.score({"instances": ROWS[:4].tolist()})["predictions"], expected[:4], rtol=1e-5
    )
    fast = json.loads(asked.model.write_rows(asked.model.run_rows(ROWS[:4])))
    np.testing.assert_allclose(fast["predict"], expected[:4], rtol=1e-5)
    assert asked.refusal({"data": [[1]]}).startswith("data: expected 3 values in each row, got 1")


def test_xgboost(serve, tmp_path):
    xgboost = pytest.importorskip("xgboost", reason="XGBoost is not installed; make frameworks")
    model = xgboost.XGBRegressor(n_estimators=5).fit(ROWS, TARGET)
    for name in ("model.json", "model.ubj"):
        model.save_model(tmp_path / name)
        check(serve(tmp_path / name, "XGBoost"), model.predict(ROWS), "XGBoost")
    damaged = tmp_path / "model.json"
    damaged.write_bytes(damaged.read_bytes()[:300])
    with pytest.raises(ModelUnusable, match="cannot be loaded by xgboost"):
        serve(damaged, "XGBoost")


def test_lightgbm(serve, tmp_path):
    lightgbm = pytest.importorskip("lightgbm", reason="LightGBM is not installed; make frameworks")
    model = lightgbm.LGBMRegressor(n_estimators=5, min_child_samples=2, verbose=-1).fit(ROWS, TARGET)
    model.booster_.save_model(tmp_path / "model.txt")
    check(serve(tmp_path / "model.txt", "LightGBM"), model.predict(ROWS), "LightGBM")


def test_catboost(serve, tmp_path):
    catboost = pytest.importorskip("catboost", reason="CatBoost is not installed; make frameworks")
    options = {"iterations": 5, "verbose": False, "allow_writing_files": False}
    model = catboost.CatBoostRegressor(**options).fit(ROWS, TARGET)
    model.save_model(str(tmp_path / "model.cbm"))
    check(serve(tmp_path / "model.cbm", "CatBoost"), model.predict(ROWS), "CatBoost")
    classes = catboost.CatBoostClassifier(**options).fit(ROWS, TARGET > 0)
    classes.save_model(str(tmp_path / "classes.cbm"))
    check(serve(tmp_path / "classes.cbm", None), classes.predict_proba(ROWS), "CatBoost")


def test_a_library_that_is_missing_is_named(serve, tmp_path):
    try:
        import lightgbm  # noqa: F401
    except ImportError:
        (tmp_path / "model.txt").write_text("tree\nversion=v4\nnum_class=1\n")
        with pytest.raises(ModelUnusable, match="need the package lightgbm, which is not installed"):
            serve(tmp_path / "model.txt", "LightGBM")
    else:
        pytest.skip("LightGBM is installed")
