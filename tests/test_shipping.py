"""Folders of models to ship: cards, the manifest, and the models in this repository."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import keras
import numpy as np
import pytest
from device_run import load_run
from keras import layers
from scipy.stats import binomtest

from tfprune.convert import ImageInput, Metadata, read_metadata, write_metadata
from tfprune.errors import FileError
from tfprune.shipping import check_folder, render_card, ship, write_manifest

SHIPPED = Path(__file__).resolve().parent.parent / "tflite_models"
TOLD = Metadata(
    title="A net",
    labels=("a", "b", "c"),
    preprocessing={"x": ImageInput()},
    license="MIT",
    data="noise",
    measured_on="noise",
    plan={"criterion": "l2", "removed": 0.5, "sha256": "12", "fingerprint": "34", "settings": {}},
    command="python make.py",
)
X = np.random.default_rng(0).normal(size=(20, 4, 4, 3)).astype("float32")


@pytest.fixture(scope="module")
def model() -> keras.Model:
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [keras.Input((4, 4, 3), name="x"), layers.Flatten(), layers.Dense(3, "softmax", name="y")]
    )


@pytest.fixture(scope="module")
def shipped(model, tmp_path_factory) -> Path:
    place, labels = tmp_path_factory.mktemp("shipped"), np.zeros(20, int)
    ship(model, place, "one", samples=(X, labels), metadata=TOLD)
    ship(
        model,
        place,
        "two",
        quantize="int8",
        representative_data=X,
        input_type="int8",
        samples=(X, labels),
        metadata=replace(TOLD, title="Another"),
    )
    return place


@pytest.fixture
def folder(shipped, tmp_path) -> Path:
    """A copy of two shipped models, to do harm to."""
    return Path(shutil.copytree(shipped, tmp_path / "models"))


def test_a_folder_holds_models_cards_and_a_manifest(folder):
    names = ["MANIFEST.json", "one.md", "one.tflite", "two.md", "two.tflite"]
    assert sorted(path.name for path in folder.iterdir()) == names
    manifest = check_folder(folder)
    assert [entry["file"] for entry in manifest["models"]] == ["one.tflite", "two.tflite"]
    assert manifest["total_bytes"] == sum(p.stat().st_size for p in folder.glob("*.tflite"))
    assert manifest["models"][1]["inputs"] == {"x": {"shape": [4, 4, 3], "type": "int8"}}
    before = (folder / "MANIFEST.json").read_bytes()
    write_manifest(folder)
    assert (folder / "MANIFEST.json").read_bytes() == before


def test_a_card_tells_all_that_the_file_knows(folder):
    card = render_card(folder / "two.tflite")
    accuracy = read_metadata(folder / "two.tflite").accuracy["y"]
    size = (folder / "two.tflite").stat().st_size
    for part in (
        "# Another",
        "MIT",
        "noise",
        f"| {accuracy.share:.2%} (",
        f"{size:,}",
        "144",
        "int8",
        "a, b, c",
    ):
        assert part in card, part
    for part in ("FULLY_CONNECTED 1", "Criterion l2, 50.0%", "python make.py", "python run.py two"):
        assert part in card, part


@pytest.mark.parametrize("name", ["one.tflite", "one.md"])
@pytest.mark.parametrize("harm", ["change", "remove"])
def test_a_folder_that_is_not_as_the_manifest_says(folder, name, harm):
    if harm == "remove":
        (folder / name).unlink()
    elif name.endswith(".md"):
        (folder / name).write_text("# Better than it is\n")
    else:
        told = read_metadata(folder / name)
        write_metadata(folder / name, replace(told, notes="new"))
        (folder / "one.md").write_text(render_card(folder / name), encoding="utf-8")
    with pytest.raises(FileError, match=r"one\.(tflite|md)"):
        check_folder(folder)


def test_a_model_that_is_not_in_the_manifest(folder):
    shutil.copy(folder / "one.tflite", folder / "three.tflite")
    (folder / "three.md").write_text(render_card(folder / "three.tflite"), encoding="utf-8")
    with pytest.raises(FileError, match=r"three\.tflite in .* is not as the manifest says"):
        check_folder(folder)


def test_what_does_not_say_enough_is_not_shipped(model, folder):
    before = {path: path.read_bytes() for path in folder.iterdir()}
    labels = np.zeros(20, int)
    for told, message in ((replace(TOLD, license=""), "license"), (Metadata(), "title, license")):
        for name in ("one", "four"):
            with pytest.raises(FileError, match=f"to be shipped: {message}"):
                ship(model, folder, name, samples=(X, labels), metadata=told)
    with pytest.raises(FileError, match="to be shipped: accuracy"):
        ship(model, folder, "four", metadata=TOLD)
    with pytest.raises(FileError, match="1,000 are allowed"):
        ship(model, folder, "four", samples=(X, labels), metadata=TOLD, limit=1000)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_manifests_that_are_none(tmp_path):
    with pytest.raises(FileError, match="cannot read"):
        check_folder(tmp_path)
    (tmp_path / "MANIFEST.json").write_text("{}")
    with pytest.raises(FileError, match="expected a manifest of the format"):
        check_folder(tmp_path)


def test_the_models_of_this_repository_are_as_their_manifest_says():
    manifest = check_folder(SHIPPED)
    assert manifest["models"]
    assert manifest["total_bytes"] < 12_000_000
    assert {p.stem for p in SHIPPED.glob("*.md")} == {p.stem for p in SHIPPED.glob("*.tflite")}


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.tflite")), ids=lambda path: path.stem)
def test_each_of_them_runs_on_a_device(path, tmp_path, capsys):
    entry = next(
        m
        for m in json.loads((SHIPPED / "MANIFEST.json").read_text())["models"]
        if m["file"] == path.name
    )
    metadata = read_metadata(path)
    arrays = {
        name: np.random.default_rng(0).uniform(0, 255, port["shape"]).astype("float32")
        for name, port in entry["inputs"].items()
    }
    np.savez(tmp_path / "x.npz", **arrays)
    line = [str(path), str(tmp_path / "x.npz"), "--ready", "--runs", "1", "--json"]
    assert load_run().main(line) == 0
    (answer,) = json.loads(capsys.readouterr().out)["answers"]
    assert set(answer) == set(entry["outputs"])
    for name, output in answer.items():
        assert np.isfinite(output["values"]).all(), name
        if metadata.labels and name in metadata.accuracy:
            assert output["classes"][0]["label"] in metadata.labels


def answers(run: ModuleType, name: str, pictures: list[np.ndarray]) -> np.ndarray:
    """What the runner says of pictures: the places of the classes."""
    path = SHIPPED / f"{name}.tflite"
    metadata, model = run.read_metadata(path.read_bytes()), run.Model(path, 1)
    ((entry, how),) = metadata["preprocessing"].items()
    shape = tuple(int(size) for size in model.inputs[entry]["shape"][1:])
    examples = [{entry: run.rows(entry, p, None, how, shape, 0)[0]} for p in pictures]
    found, _, _ = model.run(examples, 1)
    return np.array([next(iter(outputs.values())).argmax() for outputs in found])


@pytest.mark.parametrize("name", ["resnet8_cifar10_int8", "resnet8_cifar10_macs75_int8"])
def test_the_runner_reaches_the_accuracy_that_the_file_tells(name, shared_data):
    image = pytest.importorskip("PIL.Image")
    mosaic = np.asarray(image.open(shared_data / "cifar10" / "test.webp").convert("RGB"))[:128]
    pictures = mosaic.reshape(4, 32, 100, 32, 3).swapaxes(1, 2).reshape(-1, 32, 32, 3)
    labels = json.loads((shared_data / "cifar10" / "test_labels.json").read_text())[:400]
    right = int((answers(load_run(), name, list(pictures)) == labels).sum())
    (told,) = read_metadata(SHIPPED / f"{name}.tflite").accuracy.values()
    assert binomtest(right, 400, told.share).pvalue > 1e-3, right


def test_the_runner_sees_cracks_in_photographs(shared_data):
    pytest.importorskip("PIL")
    folder, run = shared_data / "crack" / "val", load_run()
    files = [
        *sorted((folder / "no_crack").iterdir())[:60],
        *sorted((folder / "crack").iterdir())[:60],
    ]
    pictures = [run.read_input(str(file))[0] for file in files]
    found = answers(run, "cracks_vgg_filters40_int8", pictures)
    right = int((found == np.repeat([0, 1], 60)).sum())
    (told,) = read_metadata(SHIPPED / "cracks_vgg_filters40_int8.tflite").accuracy.values()
    assert binomtest(right, 120, told.share).pvalue > 1e-3, right
