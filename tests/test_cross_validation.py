"""Folds: who is held out, what is averaged, and that a killed study goes on."""

import json
import statistics
import sys

import keras
import numpy as np
import pytest

from tfprune.errors import DataError, FileError, MissingExtraError, ModelError, PlanError
from tfprune.training import cross_validate, iterate
from tfprune.training.folds import make_folds

GENERATOR = np.random.default_rng(0)
LABELS = GENERATOR.integers(2, size=24)
X = (GENERATOR.normal(size=(24, 5)) + LABELS[:, None]).astype("float32")
DATA = X, LABELS
SETTINGS = {"step": 4, "target": 0.5, "epochs": 1, "train_epochs": 2, "splitter": 3}


def build():
    layers = [keras.Input((5,)), keras.layers.Dense(8, "relu"), keras.layers.Dropout(0.1)]
    model = keras.Sequential([*layers, keras.layers.Dense(2, "softmax")])
    loss = "sparse_categorical_crossentropy"
    model.compile(keras.optimizers.Adam(0.01), loss, metrics=["accuracy"], run_eagerly=True)
    return model


def study(data=DATA, folder=None, make=build, **settings):
    pytest.importorskip("sklearn")
    return cross_validate(make, data, checkpoint_dir=folder, **{**SETTINGS, **settings})


@pytest.fixture(scope="module")
def found():
    return study()


def test_rows_are_means_over_folds(found):
    assert [row.ratio for row in found.rows] == [0, 0.5]
    assert [row.folds for row in found.rows] == [3, 3]
    for row in found.rows:
        values = [fold.history[row.step] for fold in found.folds]
        assert row.before_mean == pytest.approx(statistics.mean(one.before for one in values))
        assert row.after_mean == pytest.approx(statistics.mean(one.after for one in values))
        assert row.after_sd == pytest.approx(statistics.stdev(one.after for one in values))
    assert sum(fold.test for fold in found.folds) == 24


def test_table_and_json(found, tmp_path):
    assert "accuracy before" in str(found)
    assert "50.0%" in str(found)
    found.save(tmp_path / "study.json")
    content = json.loads((tmp_path / "study.json").read_text())
    assert [row["folds"] for row in content["rows"]] == [3, 3]


def test_two_studies_are_equal(found):
    assert study() == found
    assert study(seed=1) != found


@pytest.mark.parametrize("carry", [False, True])
def test_a_study_that_was_interrupted_goes_on(tmp_path, carry):
    settings = {"carry_optimizer": carry, "splitter": 2}
    calls = []

    def callbacks():
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return []

    with pytest.raises(KeyboardInterrupt):
        study(folder=tmp_path, callbacks=callbacks, **settings)
    assert (tmp_path / "fold-01" / "trained.json").exists()
    trained = []

    def train(model, data, held_out):
        trained.append(1)

    again = study(folder=tmp_path, train=train, **settings)
    assert not trained  # both were kept
    assert again == study(**settings)


def test_folds_that_end_earlier_count_as_long_as_they_go():
    def history(steps):
        return iterate(
            build(), DATA, DATA, step=2, target=0.25 * steps, max_drop=None, epochs=0
        ).history

    from tfprune.training.cross_validation import FoldResult, _rows

    rows = _rows([FoldResult(1, 1, history(steps), "") for steps in (1, 2)])
    assert [row.folds for row in rows] == [2, 2, 1]
    assert rows[-1].after_sd is None


def test_data_by_number():
    import tensorflow as tf

    def data(numbers):
        return tf.data.Dataset.from_tensor_slices((X[numbers], LABELS[numbers])).batch(8)

    assert study(data, strata=LABELS, splitter=2).rows[0].folds == 2
    with pytest.raises(DataError, match="how many examples"):
        study(data)


def test_a_training_of_ones_own():
    seen = []

    def train(model, data, held_out):
        seen.append((len(data[1]), len(held_out[1])))

    study(train=train, splitter=2)
    assert seen == [(12, 12), (12, 12)]


# Folds


def test_classes_are_shared_out():
    pytest.importorskip("sklearn")
    labels = np.array([0] * 18 + [1] * 6)
    one_hot = np.eye(2)[labels]
    for given in (labels, one_hot):
        folds = make_folds((np.zeros((24, 1)), given), 3, None, None, 0)
        assert [int(labels[fold.test].sum()) for fold in folds] == [2, 2, 2]


def test_groups_stay_together():
    pytest.importorskip("sklearn")
    groups = np.repeat(np.arange(8), 3)
    for labels in (LABELS, LABELS.astype(float)):
        for fold in make_folds((X, labels), 4, groups, None, 0):
            assert not set(groups[fold.train]) & set(groups[fold.test])
            assert sorted([*fold.train, *fold.test]) == list(range(24))


def test_numbers_that_are_no_classes():
    pytest.importorskip("sklearn")
    folds = make_folds((X, X[:, :1]), 3, None, None, 0)
    assert [len(fold.test) for fold in folds] == [8, 8, 8]


class Halves:
    def split(self, x, y=None, groups=None):
        yield np.arange(13), np.arange(13, 24)


def test_a_splitter_that_tears_groups_apart():
    groups = np.repeat(np.arange(8), 3)
    assert len(make_folds(DATA, Halves(), None, None, 0)) == 1
    with pytest.raises(DataError, match=r"group on both sides.*GroupKFold"):
        make_folds(DATA, Halves(), groups, None, 0)


class Overlap:
    def split(self, x, y=None, groups=None):
        yield np.arange(20), np.arange(10, 24)


@pytest.mark.parametrize(
    ("settings", "error", "match"),
    [
        ({"splitter": 1}, PlanError, "two folds"),
        ({"splitter": "five"}, PlanError, "expected splitter"),
        ({"splitter": Overlap()}, DataError, "received 10"),
        ({"splitter": 40}, DataError, "cannot divide"),
        ({"groups": [1, 2]}, DataError, "2, 24"),
        ({"train_epochs": -1}, PlanError, "train_epochs"),
        ({"step": None}, PlanError, "step or step_macs"),
        ({"make": "model"}, PlanError, "expected build"),
        ({"make": lambda: keras.Sequential()}, ModelError, "compiled"),
        ({"data": X, "strata": LABELS}, DataError, "expected data"),
    ],
)
def test_errors(settings, error, match):
    with pytest.raises(error, match=match):
        study(**settings)


def test_a_build_that_differs_each_time():
    calls = []

    def make():
        calls.append(1)
        model = build()
        model.layers[0].bias.assign(np.full(8, len(calls), "float32"))
        return model

    with pytest.raises(ModelError, match="the same model"):
        study(make=make)


def test_another_study_in_the_folder(tmp_path):
    study(folder=tmp_path, splitter=2)
    with pytest.raises(FileError, match="train_epochs=2, received 3"):
        study(folder=tmp_path, splitter=2, train_epochs=3)


def test_without_scikit_learn(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(MissingExtraError, match="pip install"):
        make_folds(DATA, 3, None, None, 0)
