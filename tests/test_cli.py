"""The command line: what it prints and writes, and how it refuses."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from latency_law import FakeTimer, macs_law

import tfprune
from tfprune import cli
from tfprune.commands import _common, inspect
from tfprune.commands._arrays import read_arrays
from tfprune.commands.prune import split_patterns
from tfprune.errors import DataError, FileError
from tfprune.latency import opening

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of small models, good and bad, and what was made of them."""
    folder = tmp_path_factory.mktemp("models")
    keras.utils.set_random_seed(1)
    layers = keras.layers
    x = keras.Input((8, 8, 2), name="image")
    y = first = layers.Conv2D(8, 3, padding="same", activation="relu", name="first")(x)
    y = layers.Conv2D(8, 3, padding="same", name="second")(y)
    y = layers.GlobalAveragePooling2D()(layers.Add()([y, first]))
    y = layers.Dense(12, "relu", name="hidden")(y)
    model = keras.Model(x, layers.Dense(3, "softmax", name="classes")(y), name="tiny")
    model.save(folder / "model.keras")
    model.save(folder / "model.h5")
    plan = tfprune.plan(model, ratio=0.5)
    plan.save(folder / "plan.json")
    tfprune.rebuild(model, plan).save(folder / "small.keras")
    tfprune.convert.to_tflite(model, folder / "model.tflite")
    other = keras.Sequential([keras.Input((4,)), layers.Dense(6), layers.Dense(2)])
    other.save(folder / "other.keras")
    other.layers[0].set_weights([np.full((4, 6), np.nan), np.zeros(6)])
    other.save(folder / "nan.keras")
    _add_bad_files(folder)
    return folder


def _add_bad_files(folder: Path) -> None:
    class Unknown(keras.layers.Layer):
        def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
            return x

    x = keras.Input((4,))
    for name, layer in (
        ("unknown", Unknown()),
        ("lambda", keras.layers.Lambda(lambda v: 2 * v)),
    ):
        keras.Model(x, layer(keras.layers.Dense(2)(x))).save(folder / f"{name}.keras")
    with pytest.warns(UserWarning, match="not yet been built"):
        keras.Sequential([keras.layers.Dense(2)]).save(folder / "unbuilt.keras")
    whole = (folder / "model.keras").read_bytes()
    (folder / "cut.keras").write_bytes(whole[: len(whole) // 2])
    (folder / "text.keras").write_text("not a model")
    (folder / "text.h5").write_text("not a model")
    (folder / "model.txt").write_text("not a model")
    (folder / "folder.keras").mkdir()
    shutil.make_archive(str(folder / "zip"), "zip", folder, "model.txt")
    (folder / "zip.zip").rename(folder / "zip.keras")
    with h5py.File(folder / "weights.h5", "w") as file:
        file["kernel"] = np.zeros(3)
    (folder / "done").mkdir()
    (folder / "done" / "results.json").write_text("{}")
    (folder / "bad_plan.json").write_text("{")
    (folder / "drawn.png").write_text("a picture")
    np.save(folder / "empty.npy", np.zeros((0, 8, 8, 2)))
    np.save(folder / "objects.npy", np.array([{}], dtype=object))
    np.savez(folder / "uneven.npz", a=np.zeros((2, 1)), b=np.zeros((3, 1)))


def _tree(folder: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def _run(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs `tfprune` as a user's shell would, with none of the quiet that the tests set."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    path = os.pathsep.join(filter(None, (str(REPOSITORY), kept.get("PYTHONPATH"))))
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**kept, "PYTHONPATH": path, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


# -- as a process


def test_help_answers_within_a_second(tmp_path: Path) -> None:
    times = []
    for _ in range(3):  # the best of three: the machine may be busy with other tests
        begun = time.perf_counter()
        done = _run("-m", "tfprune.cli", "--help", cwd=tmp_path)
        times.append(time.perf_counter() - begun)
        assert done.returncode == 0
        assert all(name in done.stdout for name in ("inspect", "prune", "verify", "benchmark"))
    assert min(times) < 1


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["prune", "--help"], ["recipe", "earthquake", "--help"], ["--version"]],
)
def test_help_loads_neither_keras_nor_tensorflow(arguments: list[str], tmp_path: Path) -> None:
    assert _modules_after(arguments, tmp_path) == []


def test_benchmark_loads_neither_keras_nor_tensorflow(models: Path) -> None:
    arguments = ["benchmark", "model.tflite", "model.tflite", "--runs", "2", "--json"]
    assert _modules_after(arguments, models) == []


def _modules_after(arguments: list[str], folder: Path) -> list[str]:
    script = (
        "import json, sys\n"
        "from tfprune.cli import main\n"
        "try: code = main(json.loads(sys.argv[1]))\n"
        "except SystemExit as end: code = end.code\n"
        "heavy = {'keras', 'tensorflow', 'tf_keras', 'matplotlib'} & set(sys.modules)\n"
        "sys.stderr.write('heavy ' + json.dumps([code, sorted(heavy)]))\n"
    )
    done = _run("-c", script, json.dumps(arguments), cwd=folder)
    code, heavy = json.loads(done.stderr.rsplit("heavy ", 1)[1])
    assert code == 0, done.stderr
    assert done.stdout
    return list(heavy)


def test_a_pruning_process_prints_one_json_document_and_no_noise(
    models: Path, tmp_path: Path
) -> None:
    done = _run(
        *("-m", "tfprune.cli", "prune", str(models / "model.keras"), "--ratio", "0.5"),
        *("--output", "small.h5", "--json"),
        cwd=tmp_path,
    )
    assert done.returncode == 0
    assert done.stderr == ""
    assert json.loads(done.stdout)["relative_error"] <= 1e-5
    assert os.listdir(tmp_path) == ["small.h5"]


def test_a_converting_process_prints_its_table_and_no_noise(models: Path, tmp_path: Path) -> None:
    done = _run(
        *("-m", "tfprune.cli", "convert", str(models / "model.keras"), "--output", "m.tflite"),
        cwd=tmp_path,
    )
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("m.tflite: float32, ")
    assert sum(line.lstrip().startswith("classes ") for line in lines) == 1, done.stdout


def test_a_refusing_process_writes_one_line_and_fails(models: Path) -> None:
    before = _tree(models)
    done = _run("-m", "tfprune.cli", "inspect", "text.keras", cwd=models)
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("tfprune: error: expected a Keras model")
    assert _tree(models) == before


def test_a_reader_that_leaves_early_is_no_error(tmp_path: Path) -> None:
    script = (
        "import os, sys\n"
        "reading, writing = os.pipe(); os.close(reading); os.dup2(writing, 1)\n"
        "from tfprune import cli\n"
        "from tfprune.commands._common import Outcome\n"
        "sys.exit(cli._print(Outcome('a table', {}), False))\n"
    )
    done = _run("-c", script, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


# -- what each command does


def test_inspect_shows_groups_and_costs(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["inspect", str(models / "model.keras")]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in ("first", "second", "hidden", "MACs", "total"))
    assert cli.main(["inspect", str(models / "model.h5"), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    model = keras.saving.load_model(models / "model.h5", compile=False)
    assert document["cost"]["parameters"] == model.count_params()
    sizes = {group["name"]: group["size"] for group in document["graph"]["groups"]}
    assert sizes["hidden"] == 12


def test_inspect_tells_the_share_of_macs_and_what_is_inexact(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    x = keras.Input((6,))
    y = keras.layers.LayerNormalization(name="norm")(keras.layers.Dense(8, name="wide")(x))
    y = keras.layers.Dense(2)(keras.layers.Dense(4, "relu", name="narrow")(y))
    keras.Model(x, y).save(tmp_path / "net.keras")
    assert cli.main(["inspect", str(tmp_path / "net.keras")]) == 0
    shown = capsys.readouterr().out
    assert "45.5% of the MACs" in shown  # 40 of 88
    assert "100.0% with include_inexact=True" in shown
    assert "inexact, and whole unless include_inexact=True: wide (" in shown
    assert "'norm' (LayerNormalization)" in shown
    assert cli.main(["inspect", str(tmp_path / "net.keras"), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["prunable_macs_share"] == pytest.approx(40 / 88)
    assert document["prunable_macs_share_with_inexact"] == 1
    assert document["picture"] is None
    reasons = {group["name"]: group["inexact"] for group in document["graph"]["groups"]}
    assert "norm" in reasons["wide"]
    assert reasons["narrow"] is None


def test_inspect_draws_the_graph_and_replaces_only_by_force(
    models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "net.svg"
    line = ["inspect", str(models / "model.keras"), "--picture", str(picture)]
    assert cli.main([*line, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["picture"] == str(picture)
    drawn = picture.read_bytes()
    assert all(name in drawn for name in (b"first", b"second", b"hidden", b"classes"))
    picture.write_text("before")
    assert cli.main(line) == 1
    assert "--force" in capsys.readouterr().err
    assert picture.read_text() == "before"
    assert cli.main([*line, "--force"]) == 0
    shown = capsys.readouterr().out
    assert f"drew {picture}" in shown
    assert "exact: what can be removed leaves the other channels as they are" in shown
    assert picture.read_bytes() == drawn
    assert os.listdir(tmp_path) == ["net.svg"]


def test_inspect_without_the_extra_says_what_to_install_before_it_loads(
    models: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "networkx", None)
    monkeypatch.setattr(inspect, "load_model", lambda *_: pytest.fail("loaded the model"))
    line = ["inspect", str(models / "model.keras"), "--picture", str(tmp_path / "net.svg")]
    assert cli.main(line) == 1
    assert "pip install 'tfprune[plot]'" in capsys.readouterr().err
    assert os.listdir(tmp_path) == []


def test_prune_saves_the_model_and_the_plan_that_the_library_makes(
    models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small, plan = tmp_path / "small.keras", tmp_path / "plan.json"
    asked = "--criterion l1 --ratio 0.5 --scope global --round_to 2 --min_channels 2"
    asked += " --max_ratio 0.75 --exclude first,sec* --exclude second --noinclude_residual"
    files = [str(models / "model.keras"), "--output", str(small), "--save_plan", str(plan)]
    code = cli.main(["prune", *files, *asked.split()])
    assert code == 0, capsys.readouterr().err
    assert str(small) in capsys.readouterr().out
    model = keras.saving.load_model(models / "model.keras", compile=False)
    expected = tfprune.plan(
        model,
        criterion="l1",
        ratio=0.5,
        scope="global",
        round_to=2,
        min_channels=2,
        max_ratio=0.75,
        exclude=("first", "sec*", "second"),
        include_residual=False,
    )
    assert json.loads(plan.read_text()) == json.loads(json.dumps(expected.as_dict()))
    saved = keras.saving.load_model(small, compile=False)
    assert tfprune.verify(model, saved, expected) <= 1e-5
    assert sorted(os.listdir(tmp_path)) == ["plan.json", "small.keras"]


@pytest.mark.parametrize(
    ("asked", "settings"),
    [
        ("--macs 0.5", {"macs": 0.5}),
        ("--parameters 300 --scope global", {"parameters": 300, "scope": "global"}),
        ("--weight_bytes 0.6", {"weight_bytes": 0.6}),
    ],
)
def test_prune_takes_budgets(
    asked: str, settings: dict[str, Any], models: Path, tmp_path: Path
) -> None:
    plan = tmp_path / "plan.json"
    files = [str(models / "model.keras"), "--output", str(tmp_path / "small.keras")]
    assert cli.main(["prune", *files, "--save_plan", str(plan), *asked.split()]) == 0
    model = keras.saving.load_model(models / "model.keras", compile=False)
    assert tfprune.PruningPlan.load(plan) == tfprune.plan(model, **settings)


@pytest.mark.parametrize(
    ("asked", "names"),
    [("", "xy"), ("--loss sparse_categorical_crossentropy --scope global", ("image", "y"))],
)
def test_prune_ranks_and_repairs_by_data(
    asked: str, names: Any, models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    generator = np.random.default_rng(0)
    x = generator.normal(size=(20, 8, 8, 2)).astype("float32")
    y = generator.integers(0, 3, 20)
    labels = y if asked else np.eye(3, dtype="float32")[y]
    np.savez(tmp_path / "data.npz", **dict(zip(names, (x, labels), strict=True)))
    line = ["prune", str(models / "model.keras"), "--output", str(tmp_path / "small.keras")]
    line += ["--criterion", "taylor", "--macs", "0.5", "--data", str(tmp_path / "data.npz")]
    line += ["--repair", "bias,least_squares", "--json", *(asked or _CROSS_ENTROPY).split()]
    assert cli.main(line) == 0, capsys.readouterr().err
    document = json.loads(capsys.readouterr().out)
    assert document["repair"] == ["bias", "least_squares"]
    model = keras.saving.load_model(models / "model.keras", compile=False)
    plan = tfprune.PruningPlan.from_dict(document["plan"])
    expected = tfprune.rebuild(model, plan, ("bias", "least_squares"), x)
    saved = keras.saving.load_model(tmp_path / "small.keras", compile=False)
    for one, other in zip(saved.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


_CROSS_ENTROPY = "--loss categorical_crossentropy"


def test_prune_by_a_criterion_with_a_ratio_of_its_own(models: Path, tmp_path: Path) -> None:
    line = ["prune", str(models / "model.keras"), "--output", str(tmp_path / "small.keras")]
    assert cli.main([*line, "--criterion", "cosine"]) == 0


def test_prune_by_latency_tells_what_was_predicted_and_what_it_is(
    models: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    timer = FakeTimer(extra=0.1)
    asked_for = []

    def take(runtime: str, threads: int) -> FakeTimer:
        asked_for.append((runtime, threads))
        return timer

    monkeypatch.setattr(opening, "runtime_timer", take)
    model = keras.saving.load_model(models / "model.keras", compile=False)
    limit = 0.8 * timer.model_ms(model)
    line = ["prune", str(models / "model.keras"), "--output", str(tmp_path / "small.keras")]
    line += ["--latency_ms", str(limit), "--latency_table", str(tmp_path / "table.json")]
    line += ["--threads", "2"]
    assert cli.main([*line, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert set(asked_for) == {("litert", 2)}
    told = document["latency"]
    assert told["target_ms"] == limit
    assert told["predicted_ms"] == document["plan"]["settings"]["predicted_ms"] <= limit
    small = keras.saving.load_model(tmp_path / "small.keras", compile=False)
    assert told["measured_ms"] == pytest.approx(timer.model_ms(small))
    assert told["error"] == pytest.approx(told["measured_ms"] / told["predicted_ms"] - 1)
    assert cli.main([*line, "--force"]) == 0
    assert "latency: asked for" in capsys.readouterr().out
    assert sorted(os.listdir(tmp_path)) == ["small.keras", "table.json"]


def test_prune_rounds_to_what_was_measured(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    timer = FakeTimer(lambda sized: macs_law(sized, 4))
    monkeypatch.setattr(opening, "runtime_timer", lambda runtime, threads: timer)
    plan = tmp_path / "plan.json"
    line = ["prune", str(models / "model.keras"), "--output", str(tmp_path / "small.keras")]
    line += ["--ratio", "0.4", "--round_to", "auto", "--save_plan", str(plan)]
    assert cli.main([*line, "--latency_table", str(tmp_path / "table.json")]) == 0
    assert tfprune.PruningPlan.load(plan).settings["round_to"] == 4


def test_prune_follows_a_plan_and_replaces_only_by_force(
    models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["prune", str(models / "model.h5"), "--plan", str(models / "plan.json")]
    line += ["--output", str(tmp_path / "small.keras"), "--json"]
    assert cli.main(line) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["plan"] == json.loads((models / "plan.json").read_text())
    before = _tree(tmp_path)
    assert cli.main(line) == 1
    assert "--force" in capsys.readouterr().err
    assert _tree(tmp_path) == before
    assert cli.main([*line, "--force"]) == 0


def test_prune_saves_nothing_that_it_cannot_prove(
    models: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for error in (1e-3, float("inf"), float("nan")):
        monkeypatch.setattr(tfprune, "verify", lambda *_, error=error: error, raising=False)
        line = ["prune", str(models / "model.keras"), "--ratio", "0.5"]
        assert cli.main([*line, "--output", str(tmp_path / "s.keras")]) == 1
        assert "nothing was saved" in capsys.readouterr().err
    assert os.listdir(tmp_path) == []


def test_verify_tells_a_fresh_model_from_a_changed_one(
    models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["verify", str(models / "model.keras"), str(models / "small.keras")]
    line += ["--plan", str(models / "plan.json")]
    assert cli.main([*line, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["relative_error"] <= 1e-5
    changed = keras.saving.load_model(models / "small.keras", compile=False)
    changed.get_layer("hidden").bias.assign_add(np.ones(6))
    changed.save(tmp_path / "changed.keras")
    line[2] = str(tmp_path / "changed.keras")
    assert cli.main(line) == 1
    assert "relative error" in capsys.readouterr().err


def test_convert_to_int8_takes_its_ranges_from_a_file(
    models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inputs = np.random.default_rng(0).normal(size=(16, 8, 8, 2)).astype("float32")
    np.save(tmp_path / "inputs.npy", inputs)
    line = ["convert", str(models / "model.keras"), "--quantize", "int8", "--json"]
    line += ["--representative_data", str(tmp_path / "inputs.npy")]
    assert cli.main([*line, "--output", str(tmp_path / "int8.tflite")]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["quantize"] == "int8"
    assert document["bytes"] == (tmp_path / "int8.tflite").stat().st_size


def test_convert_measures_accuracy_and_stores_what_it_is_told(
    models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inputs = np.random.default_rng(0).normal(size=(20, 8, 8, 2)).astype("float32")
    model = keras.saving.load_model(models / "model.keras", compile=False)
    truth = keras.ops.convert_to_numpy(model(inputs)).argmax(axis=-1)
    truth[:3] = (truth[:3] + 1) % model.output_shape[-1]
    np.savez(tmp_path / "samples.npz", x=inputs, y=truth)
    names = [f"class {number}" for number in range(model.output_shape[-1])]
    (tmp_path / "labels.txt").write_text("\n".join(names) + "\n")
    (tmp_path / "about.json").write_text('{"title": "a net", "notes": "overruled"}')
    line = ["convert", str(models / "model.keras"), "-o", str(tmp_path / "m.tflite"), "--json"]
    line += ["--samples", str(tmp_path / "samples.npz"), "--labels", str(tmp_path / "labels.txt")]
    line += ["--license", "MIT", "--notes", "n", "--metadata", str(tmp_path / "about.json")]
    assert cli.main([*line, "--plan", str(models / "plan.json")]) == 0
    (accuracy,) = json.loads(capsys.readouterr().out)["accuracy"].values()
    assert (accuracy["right"], accuracy["keras_right"], accuracy["total"]) == (17, 17, 20)
    stored = tfprune.convert.read_metadata(tmp_path / "m.tflite")
    assert (stored.title, stored.license, stored.notes) == ("a net", "MIT", "n")
    assert stored.labels == tuple(names)
    assert stored.plan["fingerprint"] == tfprune.PruningPlan.load(models / "plan.json").fingerprint


@pytest.mark.parametrize("names", [("right", "left"), ("arr_0", "arr_1")])
def test_convert_gives_each_input_its_own_array(
    names: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    left, right = keras.Input((3,), name="left"), keras.Input((5,), name="right")
    joined = keras.layers.Concatenate()([left, right])
    keras.Model([left, right], keras.layers.Dense(2)(joined)).save(tmp_path / "two.keras")
    widths = (5, 3) if names[0] == "right" else (3, 5)
    noise = np.random.default_rng(0)
    arrays = [noise.normal(size=(9, width)).astype("float32") for width in widths]
    np.savez(tmp_path / "two.npz", **dict(zip(names, arrays, strict=True)))
    line = ["convert", str(tmp_path / "two.keras"), "--output", str(tmp_path / "two.tflite")]
    line += ["--quantize", "int8", "--representative_data", str(tmp_path / "two.npz")]
    assert cli.main(line) == 0, capsys.readouterr().err


def test_benchmark_compares_with_the_first(
    models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["benchmark", str(models / "model.tflite"), str(models / "model.tflite")]
    assert cli.main([*line, "--runs", "2", "--threads", "1", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["threads"] == 1
    assert len(document["rows"]) == 2


# -- how it refuses


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("inspect missing.keras", "found nothing at missing.keras"),
        ("inspect folder.keras", "received the folder"),
        ("inspect model.txt", "*.keras or *.h5"),
        ("inspect text.keras", "not a .keras archive"),
        ("inspect cut.keras", "cut short"),
        ("inspect zip.keras", "no config.json"),
        ("inspect text.h5", "not an HDF5 file"),
        ("inspect weights.h5", "weights alone?"),
        ("inspect lambda.keras", "--unsafe_lambda"),
        ("inspect unknown.keras", "class 'Unknown'"),
        ("inspect unbuilt.keras", "no weights yet"),
        ("inspect model.keras --picture net.jpg", "*.svg, *.png or *.pdf"),
        ("inspect model.keras --picture missing/net.svg", "does not exist"),
        ("inspect model.keras --picture drawn.png", "--force"),
        ("inspect unbuilt.keras --picture net.png", "no weights yet"),
        ("prune nan.keras --ratio 0.5 -o out.keras", "NaN"),
        ("prune model.keras -o out.keras", "add --ratio 0.5 or --plan FILE"),
        ("prune model.keras --ratio 0.5 --macs 0.5 -o out.keras", "--ratio and --macs"),
        ("prune model.keras --macs 2 --latency_ms 1 -o out.keras", "--macs and --latency_ms"),
        ("prune model.keras --macs 0.5 -o out.keras --plan plan.json", "--plan and --macs"),
        ("prune model.keras --threads 2 -o out.keras --plan plan.json", "--plan and --threads"),
        ("prune model.keras --macs 1e-9 -o out.keras", "the least is"),
        ("prune model.keras --parameters 1e9 -o out.keras", "nothing needs to be removed"),
        ("prune model.keras --latency_ms 1 -o out.keras --latency_table zip.keras", "zip.keras"),
        ("prune model.keras --latency_ms 1 -o out.keras --latency_table no/t.json", "not exist"),
        ("prune model.keras --criterion taylor --ratio 0.5 -o out.keras", "expected data for the"),
        ("prune model.keras --criterion tailor -o out.keras", "add --ratio 0.5"),
        ("prune model.keras --ratio 0.5 -o out.keras --repair bias", "expected data for the"),
        ("prune model.keras --ratio 0.5 -o out.keras --repair glue", "'glue'"),
        ("prune model.keras --ratio 0.5 -o out.keras --data two.npz", "data=None"),
        ("prune model.keras --ratio 0.5 -o out.keras --repair bias --data no.npz", "at no.npz"),
        ("prune model.keras --ratio 0.5 -o out.keras --loss mse", "does not look at it"),
        ("prune model.keras --ratio 0.5 -o small.keras", "--force"),
        ("prune model.keras --ratio 0.5 -o out.txt", "*.keras or *.h5"),
        ("prune model.keras --ratio 0.5 -o missing/out.keras", "does not exist"),
        ("prune model.keras --ratio 0.5 -o out.keras --save_plan plan.json", "--force"),
        ("prune model.keras --ratio 0.5 -o out.h5 --save_plan ./out.h5", "two files"),
        ("prune model.keras --ratio 0.5 -o out.keras --criterion size", "size"),
        ("prune model.keras --ratio 0.5 -o out.keras --exclude frist", "first"),
        ("prune model.keras --ratio 0.5 -o out.keras --exclude *", "nothing in the model"),
        ("prune model.keras --ratio 0.5 -o out.keras --plan plan.json", "--plan and --ratio"),
        ("prune model.keras -o out.keras --plan missing.json", "missing.json"),
        ("prune model.keras -o out.keras --plan bad_plan.json", "JSON"),
        ("prune other.keras -o out.keras --plan plan.json", "plan"),
        ("verify other.keras small.keras --plan plan.json", "plan"),
        ("verify model.keras other.keras --plan plan.json", "takes"),
        ("convert model.keras -o model.tflite", "--force"),
        ("convert model.keras -o out.tflite --quantize int8", "--representative_data"),
        (
            "convert model.keras -o out.tflite --quantize int8 --representative_data empty.npy",
            "shapes",
        ),
        ("convert model.keras -o out.tflite --labels model.h5", "UTF-8"),
        ("convert model.keras -o out.tflite --metadata text.keras", "JSON"),
        ("convert model.keras -o out.tflite --input_type int8", "quantize='int8'"),
        ("benchmark missing.tflite", "missing.tflite"),
        ("benchmark text.keras", "not a .keras archive"),
        ("benchmark model.txt", "TFL3"),
        ("demo --data model.h5", "--data and --csv"),
        ("demo --output done", "done/results.json exists"),
    ],
)
def test_bad_input_gets_one_line_and_leaves_nothing(
    line: str,
    reason: str,
    models: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(models)
    before = _tree(models)
    assert cli.main(line.split()) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("tfprune: error: ")
    assert shown.err.count("\n") == 1
    assert reason in shown.err
    assert _tree(models) == before


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("", "COMMAND"),
        ("shrink model.keras", "invalid choice: 'shrink'"),
        ("prune model.keras --ratio 1.5 -o out.keras", "between 0 and 1"),
        ("prune model.keras --ratio 0 -o out.keras", "between 0 and 1"),
        ("prune model.keras --ratio nan -o out.keras", "between 0 and 1"),
        ("prune model.keras --ratio half -o out.keras", "received half"),
        ("prune model.keras --macs 1 -o out.keras", "0.25 keeps a quarter"),
        ("prune model.keras --macs half -o out.keras", "received half"),
        ("prune model.keras --weight_bytes inf -o out.keras", "received inf"),
        ("prune model.keras --latency_ms 0 -o out.keras", "half a millisecond"),
        ("prune model.keras --latency_ms fast -o out.keras", "received fast"),
        ("prune model.keras --ratio 0.5 -o out.keras --round_to automatic", "1 or more"),
        ("prune model.keras --ratio 0.5", "--output"),
        ("prune model.keras --ratio 0.5 -o out.keras --round_to 0", "1 or more"),
        ("prune model.keras --rat 0.5 -o out.keras", "--rat"),
        ("convert model.keras -o out.tflite --quantize int4", "int4"),
        ("convert model.keras -o out.tflite --max_accuracy_drop -1", "0 or more"),
        ("benchmark model.tflite --threads two", "received two"),
        ("benchmark", "FILE"),
    ],
)
def test_a_line_that_cannot_be_parsed_gets_one_line_and_code_2(
    line: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(line.split())
    shown = capsys.readouterr()
    assert ended.value.code == 2
    assert shown.out == ""
    assert shown.err.count("\n") == 1
    assert shown.err.startswith("tfprune: error: ")
    assert reason in shown.err
    assert "--help`" in shown.err


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (OSError(28, "No space left on device"), 1, "No space left"),
        (MemoryError(), 1, "MemoryError"),
        (DataError("two\nlines"), 1, "two lines"),
    ],
)
def test_what_fails_while_running_gets_one_line(
    error: BaseException,
    code: int,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(options: object) -> None:
        raise error

    monkeypatch.setattr(inspect, "run", fail)
    assert cli.main(["inspect", "model.keras"]) == code
    shown = capsys.readouterr().err
    assert shown.startswith("tfprune: error: ")
    assert message in shown
    assert shown.count("\n") == 1


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="found nothing"):
        cli.main(["inspect", str(tmp_path / "missing.keras"), "--debug"])


def test_a_mistake_of_the_programs_own_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(options: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(inspect, "run", fail)
    with pytest.raises(ZeroDivisionError):
        cli.main(["inspect", "model.keras"])


def test_the_outcome_alone_goes_to_the_standard_output(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def chatter(options: object) -> _common.Outcome:
        sys.stdout.write("epoch 1/1\n")
        return _common.Outcome("a table", {"value": 1})

    monkeypatch.setattr(inspect, "run", chatter)
    assert cli.main(["inspect", "model.keras", "--json"]) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out) == {"value": 1}
    assert shown.err == "epoch 1/1\n"


# -- small parts


def test_patterns_come_by_commas_or_repeated() -> None:
    assert split_patterns(["a, b", "c*", ","]) == ("a", "b", "c*")


def test_arrays_are_read_and_checked(models: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "two.npz", left=np.ones((2, 3)), right=np.ones((2, 5)))
    assert {
        name: array.shape for name, array in read_arrays(str(tmp_path / "two.npz")).items()
    } == {
        "left": (2, 3),
        "right": (2, 5),
    }
    for name, kind, reason in (
        ("missing.npy", FileError, "found nothing"),
        ("text.keras", FileError, "saved by numpy"),
        ("objects.npy", FileError, "allow_pickle"),
        ("empty.npy", DataError, "first axis"),
        ("uneven.npz", DataError, "as many for each input"),
    ):
        with pytest.raises(kind, match=reason):
            read_arrays(str(models / name))


def test_demo_passes_on_only_what_was_given(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = {}

    class Result:
        def __str__(self) -> str:
            return "a table"

        def as_dict(self) -> dict[str, int]:
            return {"value": 1}

    def run(**settings: object) -> Result:
        given.update(settings)
        return Result()

    fake = SimpleNamespace(demo=SimpleNamespace(run=run))
    monkeypatch.setitem(sys.modules, "tfprune.recipes.earthquake", fake)  # type: ignore[misc]
    line = "demo --data a.hdf5 --csv a.csv --ratio 0.8 --epochs 2 --output out"
    assert cli.main(line.split()) == 0
    assert given == {"data": "a.hdf5", "csv": "a.csv", "ratio": 0.8, "epochs": 2, "output": "out"}
    assert capsys.readouterr().out == "a table\n"
