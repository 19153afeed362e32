"""The inspection recipe, on patches and nets small enough for a test."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from latency_law import FakeTimer, macs_law

import tfprune
from tfprune.cli import main
from tfprune.convert import to_tflite
from tfprune.datasets.patches import read_patches
from tfprune.errors import DataError, FileError
from tfprune.latency import opening
from tfprune.recipes.common import latency
from tfprune.recipes.common.stages import Stages
from tfprune.recipes.inspection import figure, frozen, loop, page, study, training
from tfprune.recipes.inspection.damage_map import slide
from tfprune.recipes.inspection.data import Fold, fold
from tfprune.recipes.inspection.fast import fast
from tfprune.recipes.inspection.settings import Settings

Image = pytest.importorskip("PIL.Image")
SIZE = 32


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Noisy grey patches; the cracked ones have a dark line."""
    root, draw = tmp_path_factory.mktemp("data") / "crack", np.random.default_rng(0)
    for label in ("crack", "no_crack"):
        (root / label).mkdir(parents=True)
        for number in range(40):
            pixels = draw.normal(150, 10, (SIZE, SIZE, 3))
            if label == "crack":
                pixels[:, 12 + number % 8 :][:, :5] -= 110
            image = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
            image.save(root / label / f"{number:02}.png")
    return root


@pytest.fixture(scope="module")
def part(folder: Path) -> Fold:
    return fold(read_patches(folder, SIZE), 0, 4, 0)


def small_net() -> keras.Model:
    keras.utils.set_random_seed(0)
    image = keras.Input((SIZE, SIZE, 3))
    x = layers.Rescaling(1 / 64, offset=-2.0)(image)
    for number, width in enumerate((8, 12), 1):
        x = layers.Conv2D(width, 3, activation="relu", padding="same", name=f"conv{number}")(x)
        x = layers.MaxPooling2D(4, name=f"block{number + 3}_pool")(x)
    x = layers.Dense(16, "relu", name="fc1")(layers.Flatten()(x))
    return keras.Model(image, layers.Dense(2, "softmax")(x))


@pytest.fixture(scope="module")
def net(part: Fold) -> keras.Model:
    model = small_net()
    training.train(model, part.train, 12, 5e-3, 0)
    return model


def test_folds_share_no_patch_and_hold_both_classes(folder: Path) -> None:
    patches = read_patches(folder, SIZE)
    parts = [fold(patches, number, 4, 0) for number in range(4)]
    assert sum(len(one.test[1]) for one in parts) == 80
    for one in parts:
        sides = one.train, one.validation, one.test
        assert sum(len(labels) for _, labels in sides) == 80
        assert len(np.unique(np.concatenate([x for x, _ in sides]), axis=0)) == 80
        assert all(set(labels) == {0, 1} for _, labels in sides)


def test_batches_are_parts_of_patches_and_come_again(part: Fold) -> None:
    first, again = (
        [(x.numpy(), y.numpy()) for x, y in training.batches(part.train, 3)] for _ in range(2)
    )
    assert sum(len(y) for _, y in first) == len(part.train[1])
    np.testing.assert_array_equal(first[0][0], again[0][0])
    assert all(x.min() >= 0 and x.max() <= 255 for x, _ in first)
    assert all(((x.mean((1, 2, 3)) < 145) == (y == 1)).mean() > 0.9 for x, y in first)


def test_both_loops_lose_filters_and_tell_each_step(part: Fold, net: keras.Model) -> None:
    settings = Settings(image_size=SIZE, step=9, tune_rate=1e-3, examples=32)
    for prune in (loop.loop, loop.ours):
        found = prune(net, part, settings, 1)
        assert found.steps[0].ratio == 0
        assert found.steps[0].before == pytest.approx(training.accuracy(net, part.test))
        assert found.steps[1].ratio == pytest.approx(9 / 20)
        assert found.accuracy == pytest.approx(training.accuracy(found.model, part.test))
        assert found.model.get_layer("fc1").units == 16  # dense units stay
        kept = [step for step in found.steps if step.within][-1]
        left = sum(found.model.get_layer(name).filters for name in ("conv1", "conv2"))
        assert left == round(20 * (1 - kept.ratio))
        if prune is loop.loop:
            assert kept.after == found.accuracy


def test_what_the_page_needs_most_comes_first(folder: Path, tmp_path: Path) -> None:
    settings = Settings(folds=4, run_folds=2, tune_epochs=(1, 10), tune_folds=1)
    patches = {"crack": read_patches(folder, SIZE)}
    todo = study.Study(settings, patches, Stages(tmp_path, {}), {})._all()
    places = [place for place, _ in todo]
    assert len(set(places)) == len(places) == 2 * (1 + 2 * 3) + 2
    assert all(place.startswith("crack/0/") for place in places[:7])
    assert all(place.startswith("crack/1/vgg16/") for place in places[8:11])
    assert places[11:13] == [f"crack/0/{net}/wu_10" for net in ("resnet18", "vgg16")]
    assert all(place.startswith("crack/1/resnet18/") for place in places[13:])


def test_each_steps_rate_begins_anew(part: Fold, net: keras.Model, monkeypatch) -> None:
    """Along one schedule it would be 0 from the second step on, and nothing would be tuned."""
    moved = []

    class Watch(keras.callbacks.Callback):
        def on_train_begin(self, logs: object = None) -> None:
            self.before = [w.numpy() for w in self.model.trainable_weights]

        def on_train_end(self, logs: object = None) -> None:
            pairs = zip(self.before, self.model.trainable_weights, strict=True)
            moved.append(max(float(np.abs(a - b.numpy()).max()) for a, b in pairs))

    tester = loop._Tester
    monkeypatch.setattr(loop, "_Tester", lambda tests: _Both(tester(tests), Watch()))
    loop.loop(net, part, Settings(image_size=SIZE, step=5, tune_rate=1e-3, examples=32), 1)
    assert len(moved) > 2
    assert min(moved) > 1e-4


class _Both(keras.callbacks.Callback):
    """Two callbacks in the place of one."""

    def __init__(self, *callbacks: keras.callbacks.Callback) -> None:
        super().__init__()
        self.both = callbacks

    def set_model(self, model: keras.Model) -> None:
        for one in self.both:
            one.set_model(model)

    def on_train_begin(self, logs: object = None) -> None:
        for one in self.both:
            one.on_train_begin(logs)

    def on_train_end(self, logs: object = None) -> None:
        for one in self.both:
            one.on_train_end(logs)


def test_a_net_without_hidden_dense_layers_can_be_pruned() -> None:
    """What stays is named layer by layer: a pattern that matches none is refused by `plan`."""
    net = training.start("resnet18", 32, 2, None, 0)[0]
    stays = loop.dense_layers(net)
    assert stays == (net.layers[-1].name,)
    assert tfprune.plan(net, "l2", ratio=0.5, exclude=stays).kept


def test_vgg_starts_with_activations_of_one_size() -> None:
    image = keras.Input((SIZE, SIZE, 3))
    x = image
    for _number in range(6):
        x = layers.Conv2D(16, 3, padding="same", activation="relu")(x)
    x = layers.Dense(2)(layers.Flatten()(x))
    started = training.he_normal(keras.Model(image, x), 0)
    deep = keras.Model(image, started.layers[-3].output)
    noise = np.random.default_rng(0).normal(0, 64, (4, SIZE, SIZE, 3)).astype("float32")
    assert 0.2 < float(np.sqrt((deep.predict(noise, verbose=0) ** 2).mean())) < 5


def test_baselines_tell_what_the_papers_table_tells(part: Fold) -> None:
    image = keras.Input((SIZE, SIZE, 3))
    x = layers.Conv2D(8, 3, activation="relu")(image)
    net = keras.Model(image, layers.MaxPooling2D(2, name="block5_pool")(x))
    found = {row.name: row for row in frozen.baselines(net, part)}
    assert list(found) == ["KNN", "SVC", "SVMH"]
    assert found["SVMH"].classifier_bytes < found["KNN"].classifier_bytes
    assert all(row.accuracy > 0.8 and row.seconds > 0 for row in found.values())


def test_a_map_is_red_where_the_damage_is(part: Fold, net: keras.Model, tmp_path: Path) -> None:
    path = tmp_path / "net.tflite"
    to_tflite(net, path, samples=[part.train[0][:4]])
    photo = np.full((64, 128, 3), 150, np.uint8)
    photo[32:64, 78:84] = 40
    Image.fromarray(photo).save(tmp_path / "photo.png")
    found = slide(path, tmp_path / "photo.png", patch=SIZE, stride=SIZE)
    assert (found.patches, found.probability.shape) == (8, (64, 128))
    assert found.probability.argmax() // 128 >= 32
    options = ["recipe", "inspection", "--map", str(tmp_path / "photo.png"), "--patch", "32"]
    options += ["--model", str(path), "--picture", str(tmp_path / "map.png"), "--json"]
    assert main(options) == 0
    with Image.open(tmp_path / "map.png") as drawn:
        assert drawn.size == (128, 64)
    with pytest.raises(DataError, match="at least 224"):
        slide(path, tmp_path / "photo.png")
    with pytest.raises(FileError, match="cannot read the photograph"):
        slide(path, path, patch=SIZE)


def test_the_page_sets_the_papers_figures_beside_ours(tmp_path: Path) -> None:
    def steps(shift: float, seconds: float = 2.0, last: float = 0.98) -> dict[str, object]:
        rows = [(0.0, 0.99, 0.99), (512 / 4224, 0.9 + shift, 0.98), (0.606, 0.8, 0.97)]
        rows += [(0.848, 0.6, last)]
        names = "score_seconds", "tune_seconds"
        told = [
            {"ratio": a, "before": b, "after": c, "within": a < 0.6, "macs": 1e6 / (1 + a)}
            | dict.fromkeys(names, seconds)
            for a, b, c in rows
        ]
        files = {form: {"bytes": 10, "accuracy": 0.97} for form in ("float32", "int8")}
        return {"steps": told, "removed": {"conv": 0.5}, "accuracy": 0.97, "files": files}

    found = {f"crack/{number}/vgg16/wu_1": steps(0.02 * number) for number in (0, 1)}
    found["crack/0/vgg16/ours_1"] = steps(0.0)
    found["crack/0/vgg16/fast_1"] = steps(0.0)
    found["crack/0/vgg16/wu_10"] = steps(0.0, 9.0, 0.99)
    files = {form: {"bytes": 20, "accuracy": 0.99} for form in ("float32", "int8")}
    for number in (0, 1):
        whole = {"accuracy": 0.99, "weights": "random", "files": files}
        found[f"crack/{number}/vgg16/unpruned"] = whole
    settings = Settings(nets=("vgg16",), tune_epochs=(1, 10))
    figures = {"bytes": 2e6, "median_ms": 10.0, "speedup": 9.5}
    figures |= {"speedup_low": 9.0, "speedup_high": 9.9, "peak_memory_bytes": 64_000_000}
    nets = ("crack/0/vgg16/unpruned", "crack/0/vgg16/wu_1")
    times = {net: {"macs": 3e6, "float32": figures, "int8": figures} for net in nets}
    timed = {"crack/vgg16": times | {"machine": {"name": "a machine", "threads": 1}}}
    text = page.write_page(found, timed, settings, ("crack/1/vgg16/ours_1",))
    assert "| wu_1 | int8 | 3 M | 10.00 | 37.2 | 9.5x (9.0..9.9) | 2.00 | 64 |" in text
    assert "edge 279.7 to 31.6 s (8.9x)" in text
    assert "| 12.1 % | 2 | 91.0 (1.41) | 98.0 (0.00) | 91.1 (2.43) | 99.7 (0.12) |" in text
    assert "| 60.6 % | 2 | 80.0 (0.00) | 97.0 (0.00) | 82.5 (9.12) | 99.7 (0.09) |" in text
    assert "**1 part not done yet: crack/1/vgg16/ours_1.**" in text
    assert "vgg16 begins with random weights" in text
    goal = "| crack, vgg16, wu | 84 % of filters removed, fine-tuned: within 0.5 points |"
    assert f"{goal} +1.0 points lost, 98.0 (0.00) % | no |" in text
    assert "sd over folds at most the paper's 0.19 | 0.00 | yes |" in text
    assert "95 % of unpruned, with repair | 80.8 %, 80.0 % | no |" in text
    assert "removed: 1 epoch a step within 0.5 points of 10 | 10 epochs: +1.0 points | no" in text
    assert "9 times faster; at most 24 % of the bytes | 9.5x, int8 9.5x; 100.0 %" in text
    assert "| 84.8 % | 98.0 | 99.0 |" in text
    assert "More epochs took 4.5 times as long" in text
    assert "| vgg16 | wu_1 | 99.0 (0.00) | 12.1 % | 97.0 (0.00) | 1.1x | 9.5x |" in text
    assert "| vgg16 | fast_1 | 99.0 (0.00) | 84.8 % | 97.0 | 1.8x | - |" in text
    assert "ours within a budget of latency, 1 epoch a step" in text
    figure.draw(found, settings, tmp_path / "page.svg")
    assert "vgg16" in (tmp_path / "page.svg").read_text()


def test_settings_and_commands_that_make_no_sense_are_told(capsys, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="alexnet"):
        Settings(nets=("alexnet",))
    with pytest.raises(DataError, match="at most 5"):
        Settings(run_folds=6)
    assert main(["recipe", "inspection"]) != 0
    assert "--data" in capsys.readouterr().err
    assert main(["recipe", "inspection", "--data", str(tmp_path / "none")]) != 0
    assert "is none" in capsys.readouterr().err


@pytest.mark.once
def test_the_command_runs_and_goes_on(folder: Path, tmp_path: Path, monkeypatch) -> None:
    """One fold of four, one epoch, a small net in ResNet18's place; the second call only reads."""
    monkeypatch.setattr(study, "start", lambda *_: (small_net(), "random"))
    monkeypatch.setattr(latency, "SIZE", 48)
    timed = latency.benchmark
    monkeypatch.setattr(
        latency, "benchmark", lambda files, **given: timed(files, runs=2, warmup=1, memory=False)
    )
    options = ["recipe", "inspection", "--data", str(folder), "--nets", "resnet18"]
    options += ["--image_size", "32", "--folds", "4", "--run_folds", "1", "--per_class", "24"]
    options += ["--epochs", "1", "--step", "9", "--examples", "8", "--vgg16_weights", "none"]
    options += ["--output", str(tmp_path / "out"), "--page", str(tmp_path / "page.md")]
    assert main(options) == 0
    document = json.loads((tmp_path / "page.json").read_text())
    assert not document["missing"]
    parts = document["parts"]
    assert list(parts) == [
        f"crack/0/{what}"
        for what in ("frozen", "resnet18/unpruned", "resnet18/wu_1", "resnet18/ours_1")
    ]
    assert "resnet18, the published loop" in (tmp_path / "page.md").read_text()
    times = document["latency"]["crack/resnet18"]
    assert times["crack/0/resnet18/unpruned"]["float32"]["speedup"] == pytest.approx(1)
    assert times["crack/0/resnet18/wu_1"]["macs"] < times["crack/0/resnet18/unpruned"]["macs"]
    assert main(options) == 0
    again = json.loads((tmp_path / "page.json").read_text())
    assert again == document
    assert (tmp_path / "out/crack/0/resnet18/ours_1_int8.tflite").is_file()


def test_a_net_within_a_budget_of_latency(
    part: Fold, net: keras.Model, tmp_path: Path, monkeypatch
) -> None:
    timer = FakeTimer(lambda sized: macs_law(sized, step=1))
    monkeypatch.setattr(opening, "runtime_timer", lambda runtime, threads: timer)
    settings = Settings(image_size=SIZE, speedup=3.0, tune_rate=1e-3, examples=32)
    found = fast(net, part, settings, 1, tmp_path / "table.json", rounds=2)
    assert timer.model_ms(found.model) <= timer.model_ms(net) / 3
    assert timer.model_ms(found.model) > timer.model_ms(net) / 6
    assert len(found.steps) == 3
    assert found.accuracy == pytest.approx(training.accuracy(found.model, part.test))


def test_a_speedup_that_is_none_is_refused() -> None:
    with pytest.raises(DataError, match="above 1"):
        Settings(speedup=1.0)
