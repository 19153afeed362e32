"""Studies: every trial once, alike in this process and in those of Ray, kept when it is done."""

import json
import os
import statistics
import sys

import pytest
from study_job import LABELS, SETTINGS, X, build, drawn

from tfprune.errors import DataError, FileError, MissingExtraError, PlanError, WorkerError
from tfprune.training import compare, cross_validate, study
from tfprune.training.on_ray import running
from tfprune.training.trials import place_of

OVER = {"ratio": [0.5, 0.75], "fold": [0, 1]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("study")


@pytest.fixture(scope="module")
def found(folder):
    return study(drawn, OVER, folder, workers=1)


def runs(folder):
    return [len(file.read_text()) for file in sorted(folder.glob("*/runs"))]


def test_every_trial_once_with_the_same_chance(found, folder):
    assert [tuple(one.settings.values()) for one in found.trials] == [
        (0.5, 0),
        (0.5, 1),
        (0.75, 0),
        (0.75, 1),
    ]
    chance = {round(one.numbers["value"] - sum(one.settings.values()), 5) for one in found.trials}
    assert len(chance) == 1
    assert all(one.numbers["named"] for one in found.trials)  # Keras counts layers from 0
    assert runs(folder) == [1, 1, 1, 1]
    assert study(drawn, OVER, folder, workers=1) == found
    assert runs(folder) == [1, 1, 1, 1]


def test_a_grid_that_grows_runs_what_is_new(found, folder):
    larger = study(drawn, {"ratio": [0.25, 0.5, 0.75], "fold": [0, 1]}, folder, workers=1)
    assert larger.trials[2:] == found.trials
    assert runs(folder) == [1] * 6
    one = study(drawn, [{"ratio": 0.75, "fold": 1}], folder, workers=1)
    assert one.trials == found.trials[-1:]


def test_means_table_and_json(found, tmp_path):
    first, second = found.averaged("fold")
    values = [one.numbers["value"] for one in found.trials[:2]]
    assert first.settings == {"ratio": 0.5}
    assert first.mean["value"] == pytest.approx(statistics.mean(values))
    assert first.sd["value"] == pytest.approx(statistics.stdev(values))
    assert (first.trials, second.trials) == (2, 2)
    assert {one.sd["value"] for one in study_of_one(tmp_path).averaged("fold")} == {None}
    with pytest.raises(PlanError, match="one of ratio, fold, received 'seed'"):
        found.averaged("seed")
    assert "ratio" in str(found).splitlines()[1]
    assert "0.75" in str(found)
    found.save(tmp_path / "study.json")
    content = json.loads((tmp_path / "study.json").read_text())
    assert [one["settings"]["fold"] for one in content["trials"]] == [0, 1, 0, 1]


def study_of_one(folder):
    return study(drawn, [{"ratio": 0.5, "fold": 0}], folder, workers=1)


def test_one_that_fails_does_not_stop_the_others(tmp_path):
    over = {"ratio": [0.9, 0.5], "fold": [0]}
    with pytest.raises(DataError, match=r"less than 0\.9") as caught:
        study(drawn, over, tmp_path, workers=1)
    assert "1 of 2 trials failed (ratio=0.9, fold=0)" in caught.value.__notes__[0]
    assert sorted(runs(tmp_path)) == [1, 1]
    (tmp_path / "mended").touch()
    assert len(study(drawn, over, tmp_path, workers=1).trials) == 2
    assert sorted(runs(tmp_path)) == [1, 2]


def test_a_damaged_or_foreign_trial(tmp_path):
    study_of_one(tmp_path)
    one = [{"ratio": 0.5, "fold": 0}]
    for change in ({"seed": 1}, {"about": {"epochs": 3}}):
        with pytest.raises(FileError, match=f"{'seed' if 'seed' in change else 'epochs'}="):
            study(drawn, one, tmp_path, workers=1, **change)
    manifest = place_of(tmp_path, one[0]) / "trial.json"
    manifest.write_text(manifest.read_text().replace('"named": 1', '"named": 2'))
    with pytest.raises(FileError, match="checksum"):
        study_of_one(tmp_path)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"trial": 3}, "expected trial as a function"),
        ({"trial": lambda ratio, fold: {}}, r"takes ratio, fold and folder .*received .*'folder'"),
        ({"trial": lambda ratio, folder: {}}, "unexpected keyword argument 'fold'"),
        ({"trial": lambda ratio, fold, folder: 3}, "numbers by name"),
        ({"trial": lambda ratio, fold, folder: {"name": "x"}}, "numbers by name"),
        ({"over": {}}, "at least one trial"),
        ({"over": []}, "at least one trial"),
        ({"over": {"ratio": "half"}}, "as a list"),
        ({"over": {"ratio": [0.5, 0.5]}}, "2 trials that differ, received 1"),
        ({"over": {"ratio": [[0.5]]}}, "a truth or None"),
        ({"over": {"folder": ["here"]}}, "other than 'folder'"),
        ({"over": [{"ratio": 1}, {"fold": 1}]}, "the same settings"),
        ({"over": ["l2"]}, "as a dictionary"),
        ({"workers": 0}, "expected workers"),
        ({"cpus": -1}, "expected cpus"),
    ],
)
def test_settings(change, match, tmp_path):
    given = {"trial": drawn, "over": OVER, "folder": tmp_path, "workers": 1, **change}
    with pytest.raises(PlanError, match=match):
        study(**given)


def test_without_ray(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'tfprune\[studies\]'.*workers=1"):
        study(drawn, OVER, tmp_path)


@pytest.mark.parametrize(
    ("cause", "match"),
    [
        ("InvalidAuthToken: missing", "RAY_AUTH_MODE=token.*ray start"),
        ("timed out", "expected a Ray cluster at 'far:6379', received: no answer. Start one"),
    ],
)
def test_no_ray_at_the_address(cause, match, monkeypatch, tmp_path):
    ray = pytest.importorskip("ray")

    def init(**options):
        raise ConnectionError("no answer") from RuntimeError(cause)

    monkeypatch.setattr(ray, "init", init)
    with pytest.raises(WorkerError, match=match):
        study(drawn, OVER, tmp_path, address="far:6379")


# Folds, ratios and criteria


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    pytest.importorskip("sklearn")
    folder = tmp_path_factory.mktemp("compared")
    return compare(build, (X, LABELS), folder, workers=1, **SETTINGS), folder


def test_it_is_cross_validation_over_a_grid(compared):
    expected = cross_validate(
        build,
        (X, LABELS),
        "l2",
        step=0.5,
        target=0.5,
        monitor="loss",
        splitter=2,
        epochs=1,
        train_epochs=2,
    )
    found = [one for one in compared[0].trials if one.settings["criterion"] == "l2"]
    for one, fold in zip(found, expected.folds, strict=True):
        assert one.numbers["unpruned"] == fold.history[0].after
        assert (one.numbers["before"], one.numbers["after"]) == (
            fold.history[-1].before,
            fold.history[-1].after,
        )
        assert one.numbers["macs"] == fold.history[-1].macs
    rows = compared[0].averaged("fold")
    assert [tuple(row.settings.values()) for row in rows] == [("l2", 0.5), ("taylor", 0.5)]
    assert rows[0].mean["after"] == pytest.approx(expected.rows[-1].after_mean)


def test_other_data_or_epochs(compared):
    _, folder = compared
    for data, change in (((X + 1, LABELS), {}), ((X, LABELS), {"epochs": 2})):
        with pytest.raises(FileError, match="data=" if not change else "epochs="):
            compare(build, data, folder, workers=1, **{**SETTINGS, **change})


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"criteria": "l2"}, "criteria as a list"),
        ({"criteria": ["best"]}, "one of .*received 'best'"),
        ({"criteria": ["l2", "l2"]}, "'l2' twice"),
        ({"ratios": [1.5]}, "between 0 and 1"),
        ({"steps": 0}, "steps"),
        ({"target": 0.5}, "received target"),
    ],
)
def test_settings_of_compare(change, match, tmp_path):
    with pytest.raises(PlanError, match=match):
        compare(build, (X, LABELS), tmp_path, workers=1, **{**SETTINGS, **change})


@pytest.mark.once
def test_on_ray_the_numbers_are_the_same(found, compared, tmp_path, capfd):
    """One Ray for all, begun and ended by the library; it says nothing."""
    ray = pytest.importorskip("ray")
    before = os.environ.get("PYTHONPATH")
    one = [{"ratio": 0.5, "fold": 0}, {"ratio": 0.9, "fold": 0}]
    (tmp_path / "drawn").mkdir()
    with running(2, None, 1):
        theirs = compare(build, (X, LABELS), tmp_path / "compared", workers=2, **SETTINGS)
        with pytest.raises(DataError, match=r"less than 0\.9") as caught:
            study(drawn, one, tmp_path / "drawn", workers=2)
    assert not ray.is_initialized()
    assert os.environ.get("PYTHONPATH") == before
    assert "RAY_USAGE_STATS_ENABLED" not in os.environ
    assert "1 of 2 trials failed" in caught.value.__notes__[0]
    assert "ray" not in "".join(capfd.readouterr()).lower().replace("array", "")
    for their, our in zip(theirs.trials, compared[0].trials, strict=True):
        assert their.settings == our.settings
        for name, value in our.numbers.items():
            assert their.numbers[name] == pytest.approx(value, rel=1e-5)
    # What Ray has left is not run again.
    their = study(drawn, one[:1], tmp_path / "drawn", workers=1).trials[0].numbers
    assert runs(tmp_path / "drawn") == [1, 1]
    assert their["process"] != found.trials[0].numbers["process"]
    assert their["value"] == pytest.approx(found.trials[0].numbers["value"], abs=1e-6)
