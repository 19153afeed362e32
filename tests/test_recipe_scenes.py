"""The scenes recipe on made-up sounds: its nets, the command, and going on where it stopped."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest

import tfprune
from tfprune.cli import main
from tfprune.convert import to_tflite
from tfprune.datasets.mel import Mel
from tfprune.errors import DataError, FileError
from tfprune.recipes.scenes import finishing, nets, page, paper, published, study, training
from tfprune.recipes.scenes.listening import classify, listener, write_listener
from tfprune.recipes.scenes.released import nearest, read_released
from tfprune.recipes.scenes.settings import LAYERS, Settings

soundfile = pytest.importorskip("soundfile")
RATE = 8000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tones in noise, one pitch for each class, a second each."""
    root, draw = tmp_path_factory.mktemp("sounds"), np.random.default_rng(0)
    time = np.arange(RATE) / RATE
    for name, pitch in (("high", 2000), ("low", 300)):
        (root / name).mkdir()
        for number in range(10):
            tone = np.sin(2 * np.pi * pitch * time) + draw.normal(0, 0.3, RATE)
            soundfile.write(root / name / f"{number}.wav", 0.2 * tone, RATE)
    return root


@pytest.mark.once
def test_the_command_goes_on_where_it_stopped(folder, tmp_path, monkeypatch, capsys) -> None:
    every = nets.nets()
    wanted = "C2", "C1+C2+C3", "l1", "ours_50"
    monkeypatch.setattr(study, "nets", lambda: tuple(net for net in every if net.key in wanted))
    line = ["recipe", "scenes", "--data", str(folder), "--folds", "1", "--seeds", "1"]
    line += ["--epochs", "2", "--tune_epochs", "1", "--json", "--output", str(tmp_path / "out")]

    def interrupted(*given: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(nets, "_within", interrupted)
        assert main(line) == 130
    place = tmp_path / "out" / "seed0" / "fold0"
    before = {file: file.stat().st_mtime_ns for file in place.glob("*.json")}
    assert place / "unpruned.json" in before
    capsys.readouterr()
    monkeypatch.setattr(finishing, "_TIMING_SECONDS", 1.0)
    monkeypatch.setattr(published, "VGGISH_SHAPES", ((3, 3, 4, 16),))
    assert main([*line, "--page", str(tmp_path / "page.md")]) == 0
    assert all(file.stat().st_mtime_ns == time for file, time in before.items())
    document = json.loads(capsys.readouterr().out)
    assert document["done"]
    (whole,), (c2,) = document["nets"]["unpruned"], document["nets"]["C2"]
    assert whole["macs"] == 286_637_000  # two classes, not ten
    assert c2["oracle"] < 1e-5
    assert c2["kept"]["conv1"] == 16
    assert c2["kept"]["conv2"] < 16
    (l1,), (every_layer,) = document["nets"]["l1"], document["nets"]["C1+C2+C3"]
    assert l1["kept"] == every_layer["kept"]
    (ours,) = document["nets"]["ours_50"]
    assert ours["macs"] <= 0.5 * whole["macs"]
    assert set(c2["files"]) == {"float32", "float16", "int8"}
    text = (tmp_path / "page.md").read_text()
    assert "| cosine, C2 |" in text
    assert "| 27.2 | 46.5 | 27.4 | 29.5 |" in text
    assert "| half of the MACs, within 1 point |" in text
    assert json.loads((tmp_path / "page.json").read_text()) == document
    assert (tmp_path / "page.svg").read_text().startswith("<?xml")
    assert all(document["choosing"]["dcase"]["same"].values())
    assert all(document["choosing"]["vggish"]["same"].values())
    one = document["listeners"]["ours_50"]
    assert one["accuracy"] == pytest.approx(ours["files"]["float32"]["accuracy"])
    assert main(["recipe", "scenes", "--json", "--classify", str(folder / "high" / "0.wav"),
                 "--model", str(place / one["file"])]) == 0  # fmt: skip
    (heard,) = json.loads(capsys.readouterr().out)["parts"]
    assert set(heard["probabilities"]) == {"high", "low"}
    assert heard["probability"] == max(heard["probabilities"].values())
    assert (heard["start"], heard["end"]) == (0.0, 1.0)


def test_the_page_tells_means_and_what_is_lost() -> None:
    def entries(*values: float, before: float | None = None) -> list[dict[str, object]]:
        shared = {"before": before, "parameters": 100, "macs": 5e6}
        runs = [{"accuracy": value, **shared} for value in values]
        return [{**run, "seed": 0, "fold": fold} for fold, run in enumerate(runs)]

    found = {"unpruned": entries(0.8, 0.9), "C1+C2+C3": entries(0.7, 0.8, before=0.3)}
    found["C1+C2+C3_75"] = entries(0.6, 0.7, before=0.3)
    found["as_many_steps"] = entries(0.69, 0.8, before=0.3)
    titles = {key: key for key in found}
    text = page.write_page(found, titles, Settings(), "clips", "a command", False)
    assert "| 30.0 % | 75.0 (7.1) | 10.0 (10.0 to 10.0) |" in text
    assert "| 10.0 (10.0 to 10.0) points lost | no |" in text  # to a quarter less data
    assert "all of them (as published, as many steps) | 0.5 (-5.9 to 6.9) points lost |" in text
    assert "| 75 % | 65.0 (7.1) | - | - | 44.2 | 43.1 | 44.0 |" in text
    assert "| 0 % | 30.0 (0.0) |" in text
    assert "Not all of it is done" in text


def test_crops_hold_each_clip_once_a_pass_and_their_loudest_part() -> None:
    draw = np.random.default_rng(0)
    levels = draw.normal(0, 0.1, (20, 3, 40, 1)).astype(np.float32)
    levels[:, :, 10:20] += 5
    labels = np.arange(20)
    passes = training.crops((levels, labels), 10, 0)
    first, second = ([(x.numpy(), y.numpy()) for x, y in passes] for _ in range(2))
    for batches in (first, second):
        assert [len(y) for _, y in batches] == [16, 4]
        assert sorted(np.concatenate([y for _, y in batches])) == list(labels)
        assert np.concatenate([x for x, _ in batches]).mean() > 5 * 10 / 40
    assert not np.array_equal(first[0][1], second[0][1])
    again = next(iter(training.crops((levels, labels), 10, 0)))
    np.testing.assert_array_equal(again[0], first[0][0])


def test_every_layer_set_of_the_paper_is_run() -> None:
    assert {"unpruned", *LAYERS} == set(paper.PRUNED)
    keys = {net.key for net in nets.nets()}
    assert set(LAYERS) <= keys
    assert {f"l1_{share}" for share in paper.SHARES if 0 < share < 100} <= keys
    with pytest.raises(DataError, match="rest_seeds from 1 to seeds"):
        Settings(seeds=2, rest_seeds=3)
    with pytest.raises(DataError, match="counts of 1 or more"):
        Settings(epochs=0)


def test_the_simpler_net_is_kept_unless_the_other_is_clearly_better(monkeypatch) -> None:
    given = {"better": [0.2, 0.3, 0.2, 0.3], "simple": [0.4, 0.5, 0.4, 0.5], "lucky": [0, 0, 0, 1]}
    monkeypatch.setattr(training, "losses", lambda net, clips: np.array(given[net], float))
    assert training.clearly_better("better", "simple", ())
    assert not training.clearly_better("simple", "better", ())
    assert not training.clearly_better("lucky", "simple", ())  # lower by .2, which one clip made


def test_what_cannot_be_listened_to_is_refused(folder, tmp_path, capsys) -> None:
    sound = str(folder / "high" / "0.wav")
    assert main(["recipe", "scenes"]) == 1
    assert "expected --data" in capsys.readouterr().err
    assert main(["recipe", "scenes", "--classify", sound]) == 1
    assert "--model" in capsys.readouterr().err
    assert main(["recipe", "scenes", "--classify", sound, "--model", sound]) == 1
    assert "0.wav" in capsys.readouterr().err
    image = keras.Input((8, 8, 1))
    net = keras.Model(image, keras.layers.Flatten()(image))
    to_tflite(net, tmp_path / "image.tflite")
    with pytest.raises(DataError, match="takes waveforms"):
        classify(tmp_path / "image.tflite", sound)


def test_a_long_sound_is_heard_part_by_part(tmp_path) -> None:
    mel = Mel.baseline(RATE)
    features = keras.Input((40, 50, 1))
    loud = keras.layers.Dense(2, "softmax")(keras.layers.GlobalAveragePooling2D()(features))
    net = keras.Model(features, loud)
    net.layers[-1].set_weights([np.array([[1.0, -1.0]]), np.array([0.0, 0.0])])
    model = listener(net, mel, 1.0, np.full((40, 1, 1), -40.0), np.full((40, 1, 1), 10.0))
    noise = np.random.default_rng(0).normal(0, 1, (3, RATE)).astype(np.float32)
    sounds = noise * np.array([[0.2], [0.0001], [0.2]], np.float32)
    write_listener(model, tmp_path / "loud.tflite", mel, ("loud", "quiet"), sounds)
    soundfile.write(tmp_path / "long.wav", sounds.ravel()[: 2 * RATE + RATE // 2], RATE)
    heard = classify(tmp_path / "loud.tflite", tmp_path / "long.wav")
    assert [one.label for one in heard] == ["loud", "quiet", "loud"]
    assert [one.end for one in heard] == [1.0, 2.0, 2.5]


def test_the_released_nets_are_what_the_paper_counts(shared_data) -> None:
    for key, net in read_released(shared_data / "models").items():
        counts, (parameters, *_, true) = tfprune.cost(net), paper.PRUNED[key]
        assert counts.parameters == parameters
        assert 100 * (1 - counts.macs / 286_637_800) == pytest.approx(true, abs=0.01)
    assert np.mean(nearest(read_released(shared_data / "models")["C2"])["C1"]) == pytest.approx(
        0.55, abs=0.01
    )


def test_released_nets_that_are_missing_are_named(tmp_path) -> None:
    with pytest.raises(FileError, match=r"dcase2021_pruned_C1\.keras"):
        read_released(tmp_path)
