"""What is written about pruning: lines of a table, points and histograms."""

import csv
from pathlib import Path

import numpy as np
import pytest
from topologies import build

import tfprune
from tfprune.callbacks import FilterPruning, PruningLogger
from tfprune.errors import FileError, MissingExtraError, PlanError
from tfprune.planning.schedules import linear


def pruning():
    return FilterPruning(ratio=0.5, schedule=linear(0, 1), start=1)


def fit(model, *callbacks, validated=True, **settings):
    if not getattr(model, "compiled", False):
        model.compile("sgd", "mse", metrics=["mae"])
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(8, 8, 8, 3)), generator.normal(size=(8, 3))
    validation = (x, y) if validated else None
    return model.fit(
        x, y, verbose=0, callbacks=list(callbacks), validation_data=validation, **settings
    )


def rows(path):
    with Path(path).open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_line_an_epoch(tmp_path):
    model, prune = build("chain"), pruning()
    log = tmp_path / "pruning.csv"
    history = fit(model, prune, PruningLogger(prune, csv=log), epochs=3)
    found = rows(log)
    assert [row["epoch"] for row in found] == ["0", "1", "2"]
    assert [float(row["silenced"]) for row in found] == pytest.approx([0, 0.25, 0.5], abs=0.04)
    for name in ("loss", "mae", "val_loss", "val_mae"):
        assert [float(row[name]) for row in found] == pytest.approx(history.history[name])
    graph = tfprune.trace(model)
    first, last = found[0], found[-1]
    for group in graph.groups:
        assert int(first[f"kept {group.name}"]) == group.size
        kept = prune.plan.kept.get(group.name, range(group.size))
        assert int(last[f"kept {group.name}"]) == len(kept)
    small = tfprune.rebuild(model, prune.plan)
    assert int(first["parameters"]) == model.count_params()
    assert int(last["parameters"]) == small.count_params()
    assert int(last["macs"]) == tfprune.cost(small).macs


def test_a_resumed_fit_goes_on_in_the_file(tmp_path):
    model, prune = build("chain"), pruning()
    log = tmp_path / "pruning.csv"
    fit(model, prune, PruningLogger(prune, csv=log), epochs=2)
    before = log.read_text()
    log.write_text(before + "2,0.3,12")  # killed while it wrote
    fit(model, prune, PruningLogger(prune, csv=log), epochs=4, initial_epoch=2)
    assert log.read_text().startswith(before)
    assert [row["epoch"] for row in rows(log)] == ["0", "1", "2", "3"]


def test_epochs_without_validation_have_empty_fields(tmp_path):
    model, prune = build("chain"), pruning()
    log = tmp_path / "pruning.csv"
    fit(model, prune, PruningLogger(prune, csv=log), epochs=2, validation_freq=2)
    first, second = rows(log)
    assert first["val_mae"] == ""
    assert float(second["val_mae"]) > 0


@pytest.mark.parametrize(
    "content",
    [b"epoch,loss\n0,1.0\n", b"\x89PNG\r\n\x1a\n\x00\xff", b"no line ends", b"\n"],
)
def test_another_file_is_refused_and_left_alone(tmp_path, content):
    model, prune = build("chain"), pruning()
    log = tmp_path / "mine.csv"
    log.write_bytes(content)
    with pytest.raises(FileError, match=r"mine\.csv to be a log of the pruning of this model"):
        fit(model, prune, PruningLogger(prune, csv=log))
    assert log.read_bytes() == content


def test_a_file_of_another_model_or_of_other_metrics_is_refused(tmp_path):
    model, prune = build("chain"), pruning()
    log = tmp_path / "mine.csv"
    fit(model, prune, PruningLogger(prune, csv=log))
    model.compile("sgd", "mse", metrics=["mse"])
    with pytest.raises(FileError, match=r"mine\.csv to have a column 'mse'"):
        fit(model, prune, PruningLogger(prune, csv=log))
    prune = pruning()
    with pytest.raises(FileError, match="another file"):
        fit(build("residual"), prune, PruningLogger(prune, csv=log))


def test_a_folder_that_is_not_there_is_named_before_training(tmp_path):
    prune = pruning()
    logger = PruningLogger(prune, csv=tmp_path / "none" / "a.csv")
    with pytest.raises(FileError, match="none does not exist"):
        fit(build("chain"), prune, logger)


def test_tensorboard(tmp_path):
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    from tensorboard.util import tensor_util

    model, prune = build("chain"), pruning()
    logger = PruningLogger(prune, tmp_path / "logs")
    fit(model, prune, logger, epochs=3)
    fit(model, prune, logger, epochs=4, initial_epoch=3)
    found = events.EventAccumulator(str(tmp_path / "logs"), {"tensors": 0}).Reload()
    names = found.Tags()["tensors"]

    def points(name):
        return {one.step: tensor_util.make_ndarray(one.tensor_proto) for one in found.Tensors(name)}

    shares = points("pruning/silenced")
    assert sorted(shares) == [0, 1, 2, 3]
    assert float(shares[3]) == pytest.approx(prune.silenced)
    for group in tfprune.trace(model).groups:
        kept = prune.plan.kept.get(group.name, range(group.size))
        assert float(points(f"pruning/kept/{group.name}")[3]) == len(kept)
        assert points(f"norms/{group.name}")[0][:, 2].sum() == group.size
    for name in prune.scores:
        assert sorted(points(f"scores/{name}")) == [1, 2]  # when they were made
    assert f"norms/{model.layers[1].name}" in names


def test_histograms_can_be_left_out(tmp_path):
    pytest.importorskip("tensorboard")
    prune = pruning()
    fit(build("chain"), prune, PruningLogger(prune, tmp_path, histograms=False), epochs=2)
    (file,) = tmp_path.iterdir()
    assert b"pruning/silenced" in file.read_bytes()
    assert b"norms/" not in file.read_bytes()


def test_what_is_missing_for_tensorboard_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr("tfprune.callbacks.pruning_logger.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match="pip install tensorflow tensorboard"):
        PruningLogger(pruning(), tmp_path)
    assert PruningLogger(pruning(), csv=tmp_path / "a.csv")


def test_nowhere_to_write_is_refused():
    with pytest.raises(PlanError, match="expected a place to write to"):
        PruningLogger(pruning())
