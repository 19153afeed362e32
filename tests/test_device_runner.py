"""`tflite_models/run.py`: alone with numpy and the runtime, against what the package computes."""

import importlib.util
import json
import struct
import subprocess
import sys
import wave
import zlib
from pathlib import Path
from types import ModuleType

import keras
import numpy as np
import pytest
from device_run import RUN, load_run
from keras import layers

from tfprune.convert import (
    ImageInput,
    LogMelInput,
    Metadata,
    SpectrogramInput,
    WaveformInput,
    read_metadata,
    to_tflite,
)
from tfprune.datasets import spectrogram_image

RNG = np.random.default_rng(7)


@pytest.fixture(scope="module")
def run() -> ModuleType:
    return load_run()


@pytest.fixture(scope="module")
def bare(tmp_path_factory) -> Path:
    """A folder from which numpy and ai_edge_litert can be imported, and nothing else."""
    folder = tmp_path_factory.mktemp("bare")
    for name in ("numpy", "ai_edge_litert"):
        package = Path(importlib.util.find_spec(name).origin).parent
        (folder / name).symlink_to(package)
        libraries = package.parent / f"{name}.libs"
        if libraries.is_dir():
            (folder / libraries.name).symlink_to(libraries)
    return folder


def alone(bare: Path, *arguments: object) -> subprocess.CompletedProcess:
    """Runs the file where nothing but numpy and the runtime is installed."""
    script = (
        "import runpy, sys; sys.path.insert(0, sys.argv[1]); sys.argv = sys.argv[2:]\n"
        "runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    line = [sys.executable, "-I", "-S", "-c", script, bare, RUN, *arguments]
    return subprocess.run([str(part) for part in line], capture_output=True, text=True)


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, Path]:
    """A net on small pictures, in float and in int8, that says how they are prepared."""
    folder = tmp_path_factory.mktemp("files")
    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.Input((6, 8, 3), name="picture"), layers.Conv2D(4, 3)])
    model.add(layers.Flatten())
    model.add(layers.Dense(3, "softmax", name="kind"))
    told = Metadata(
        title="a net",
        labels=("arch", "beam", "Öse"),
        preprocessing={"picture": ImageInput(scale=(1 / 127.5,) * 3, offset=-1.0)},
    )
    x = RNG.uniform(-1, 1, (16, 6, 8, 3)).astype("float32")
    made = {"float": {}, "int8": {"input_type": "int8", "output_type": "int8"}}
    paths = {}
    for name, types in made.items():
        paths[name] = to_tflite(
            model,
            folder / f"{name}.tflite",
            "int8" if types else None,
            representative_data=x,
            metadata=told,
            **types,
        ).path
    model.save(folder / "model.keras")
    return {**paths, "keras": folder / "model.keras"}


PICTURE = RNG.integers(0, 256, (6, 8, 3), dtype=np.uint8)


def png(pixels: np.ndarray, colour: int, palette: bytes = b"") -> bytes:
    """A PNG whose lines go through all five filters in turn."""
    height, width, step = pixels.shape
    lines = pixels.reshape(height, -1).astype(int)
    stream = b""
    for row in range(height):
        method = row % 5
        above = lines[row - 1] if row else np.zeros_like(lines[0])
        left = np.concatenate([np.zeros(step, int), lines[row, :-step]])
        corner = np.concatenate([np.zeros(step, int), above[:-step]])
        guess = left + above - corner
        near = np.abs(np.stack([guess - left, guess - above, guess - corner]))
        paeth = np.choose(near.argmin(axis=0), [left, above, corner])
        guesses = [np.zeros_like(left), left, above, (left + above) // 2, paeth]
        stream += bytes([method]) + ((lines[row] - guesses[method]) % 256).astype("u1").tobytes()

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    parts = chunk(b"IHDR", head) + (chunk(b"PLTE", palette) if palette else b"")
    return (
        b"\x89PNG\r\n\x1a\n" + parts + chunk(b"IDAT", zlib.compress(stream)) + chunk(b"IEND", b"")
    )


def bmp(pixels: np.ndarray) -> bytes:
    height, width, _ = pixels.shape
    stride = (3 * width + 3) // 4 * 4
    lines = np.zeros((height, stride), np.uint8)
    lines[:, : 3 * width] = pixels[::-1, :, ::-1].reshape(height, -1)
    head = b"BM" + struct.pack("<IHHI", 54 + lines.size, 0, 0, 54)
    return (
        head
        + struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
        + lines.tobytes()
    )


@pytest.mark.parametrize("kind", ["float", "int8"])
@pytest.mark.parametrize("suffix", [".npy", ".npz", ".png", ".bmp", ".ppm"])
def test_a_picture_of_any_form_gets_the_models_answer(run, files, tmp_path, capsys, kind, suffix):
    path = tmp_path / f"picture{suffix}"
    if suffix == ".npy":
        np.save(path, PICTURE)
    elif suffix == ".npz":
        np.savez(path, picture=PICTURE)
    else:
        made = {
            ".png": lambda: png(PICTURE, 2),
            ".bmp": lambda: bmp(PICTURE),
            ".ppm": lambda: b"P6 # a remark\n8 6\n255\n" + PICTURE.tobytes(),
        }
        path.write_bytes(made[suffix]())
    assert run.main([str(files[kind]), str(path), "--json", "--runs", "2"]) == 0
    (answer,) = json.loads(capsys.readouterr().out)["answers"]
    model = keras.saving.load_model(files["keras"])
    prepared = PICTURE[None].astype("float32") / 127.5 - 1
    expected = keras.ops.convert_to_numpy(model(prepared))[0]
    np.testing.assert_allclose(
        answer["kind"]["values"], expected, atol=1e-5 if kind == "float" else 0.03
    )
    best = ("arch", "beam", "Öse")[int(expected.argmax())]
    assert answer["kind"]["classes"][0]["label"] == best


@pytest.mark.parametrize("kind", ["float", "int8"])
def test_it_runs_where_only_numpy_and_the_runtime_are(files, bare, tmp_path, kind):
    np.save(tmp_path / "several.npy", np.stack([PICTURE, PICTURE[::-1]]))
    done = alone(bare, files[kind], tmp_path / "several.npy", "--runs", "3")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("0: kind: ")
    assert lines[1].startswith("1: kind: ")
    assert "ms (median of 3; first " in lines[2]
    assert "ai-edge-litert, 1 thread" in lines[2]


def test_nothing_else_is_there(bare):
    missing = "import importlib.util as u; print([u.find_spec(n) for n in sys.argv[2:]])"
    script = f"import sys; sys.path.insert(0, sys.argv[1]); {missing}"
    names = ("tensorflow", "keras", "tfprune", "PIL", "soundfile", "flatbuffers")
    line = [sys.executable, "-I", "-S", "-c", script, str(bare), *names]
    done = subprocess.run(line, capture_output=True, text=True)
    assert done.stdout.strip() == str([None] * len(names))


def test_without_a_runtime_it_says_what_to_install(files, tmp_path):
    (tmp_path / "numpy").symlink_to(Path(np.__file__).parent)
    libraries = Path(np.__file__).parent.parent / "numpy.libs"
    if libraries.is_dir():
        (tmp_path / "numpy.libs").symlink_to(libraries)
    done = alone(tmp_path, files["float"])
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "run.py: error: no TFLite runtime here: pip install ai-edge-litert\n"


def test_it_reads_what_the_package_stored(run, files):
    stored = run.read_metadata(files["int8"].read_bytes())
    assert stored == json.loads(json.dumps(read_metadata(files["int8"]).as_dict()))


def test_it_tells_what_a_file_says_of_itself(run, files, capsys):
    assert run.main([str(files["int8"])]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["inputs"] == {"picture": {"shape": [1, 6, 8, 3], "type": "int8"}}
    assert shown["metadata"]["title"] == "a net"


def test_a_spectrogram_is_the_trainings(run):
    waves = RNG.normal(size=(900, 3)) * [1, 10, 100]
    for settings in ({}, {"reference": "median"}, {"reference": "none"}, {"components": "ENZ"}):
        how = SpectrogramInput(**settings).as_dict()
        made = run.as_spectrogram(waves, how, (48, 40, 3))
        np.testing.assert_allclose(made, spectrogram_image(waves, (48, 40), **settings), atol=1)
        assert (made != spectrogram_image(waves, (48, 40), **settings)).mean() < 0.01


@pytest.mark.parametrize("low", [0.0, 1500.0])
def test_log_mel_is_librosas(run, low):
    librosa = pytest.importorskip("librosa")
    sound = RNG.normal(size=6000).astype("float32")
    how = LogMelInput(rate=16000.0, nfft=512, window=400, hop=160, bands=20, low=low).as_dict()
    made = run.as_log_mel(sound, how, (20, 38, 1))[..., 0]
    power = librosa.feature.melspectrogram(
        y=sound, sr=16000, n_fft=512, win_length=400, hop_length=160, n_mels=20, fmin=low
    )
    expected = librosa.power_to_db(power, top_db=None)
    np.testing.assert_allclose(made, expected[:, :38], atol=1e-3)
    upright = {**how, "layout": "time_band"}
    np.testing.assert_array_equal(run.as_log_mel(sound, upright, (38, 20))[3], made[:, 3])


def test_pictures_are_resized_as_pillow_does(run):
    image = pytest.importorskip("PIL.Image")
    for shape in ((12, 12, 3), (3, 5, 3), (9, 4, 3)):
        made = run.as_image(PICTURE, {}, shape)
        size = shape[1], shape[0]
        expected = np.asarray(image.fromarray(PICTURE).resize(size, image.Resampling.BILINEAR))
        np.testing.assert_allclose(made, expected.astype(float), atol=1.01)


def test_channels_are_put_in_the_inputs_order(run):
    same = run.as_image(PICTURE, {"channels": "bgr"}, (6, 8, 3))
    np.testing.assert_array_equal(same, PICTURE[..., ::-1])
    grey = run.as_image(PICTURE, {"channels": "grey"}, (6, 8, 1))
    np.testing.assert_allclose(grey[..., 0], PICTURE @ [0.299, 0.587, 0.114], rtol=1e-6)
    assert run.as_image(PICTURE[..., 0], {}, (6, 8, 3)).shape == (6, 8, 3)


def test_a_palette_and_transparency(run, tmp_path):
    palette = RNG.integers(0, 256, (16, 3), dtype=np.uint8)
    places = RNG.integers(0, 16, (7, 5, 1), dtype=np.uint8)
    coloured = run.read_png(png(places, 3, palette.tobytes()), "")
    np.testing.assert_array_equal(coloured, palette[places[..., 0]])
    clear = RNG.integers(0, 256, (7, 5, 4), dtype=np.uint8)
    np.testing.assert_array_equal(run.read_png(png(clear, 6), ""), clear[..., :3])


@pytest.mark.parametrize(("width", "step"), [(1, 2 / 256), (2, 2**-15), (3, 2**-23), (4, 2**-31)])
def test_wav_of_every_width(run, tmp_path, width, step):
    values = np.array([[-1, 0.5], [0.25, -0.5], [0, 0.75]])
    whole = np.round(values * 2 ** (8 * width - 1)).astype("<i8") + (128 if width == 1 else 0)
    with wave.open(str(tmp_path / "s.wav"), "wb") as sound:
        sound.setnchannels(2)
        sound.setsampwidth(width)
        sound.setframerate(8000)
        sound.writeframes(
            b"".join(int(v).to_bytes(8, "little", signed=True)[:width] for v in whole.ravel())
        )
    samples, rate = run.read_wav(tmp_path / "s.wav")
    assert rate == 8000
    np.testing.assert_allclose(samples, values, atol=step)


@pytest.fixture(scope="module")
def listener(tmp_path_factory) -> Path:
    given = keras.Input((40, 1), name="wave")
    out = layers.Dense(1, "sigmoid", name="quake")(layers.Flatten()(given))
    told = Metadata(
        labels=("noise", "quake"),
        preprocessing={"wave": WaveformInput(rate=100.0, normalise="standard")},
    )
    path = tmp_path_factory.mktemp("listener") / "m.tflite"
    return to_tflite(keras.Model(given, out), path, metadata=told).path


def test_a_waveform_is_cut_and_normalised(run, listener, tmp_path, capsys):
    signal = RNG.normal(size=100) * 50 + 7
    np.save(tmp_path / "w.npy", signal)
    assert run.main([str(listener), str(tmp_path / "w.npy"), "--start", "0.3", "--json"]) == 0
    first = json.loads(capsys.readouterr().out)["answers"][0]["quake"]
    window = signal[30:70]
    window = (window - window.mean()) / window.std()
    np.save(tmp_path / "ready.npy", window[:, None].astype("float32"))
    assert run.main([str(listener), str(tmp_path / "ready.npy"), "--ready", "--json"]) == 0
    second = json.loads(capsys.readouterr().out)["answers"][0]["quake"]
    assert first["values"] == pytest.approx(second["values"], abs=1e-5)
    assert first["classes"][0]["label"] == ("quake" if first["values"][0] > 0.5 else "noise")


def test_a_short_waveform_is_repeated_where_the_file_says_so(run, tmp_path, capsys):
    given = keras.Input((8,), name="wave")
    told = Metadata(preprocessing={"wave": WaveformInput(rate=8.0, fill="repeat")})
    model = keras.Model(given, layers.Identity(name="same")(given * 1.0))
    path = to_tflite(model, tmp_path / "m.tflite", metadata=told).path
    np.save(tmp_path / "w.npy", np.array([1.0, 2.0, 3.0]))
    assert run.main([str(path), str(tmp_path / "w.npy"), "--json"]) == 0
    (answer,) = json.loads(capsys.readouterr().out)["answers"][0].values()
    assert answer["values"] == [1, 2, 3, 1, 2, 3, 1, 2]


def test_bad_input_gets_one_line(run, files, listener, tmp_path, capsys):
    whole = files["float"].read_bytes()
    (tmp_path / "cut.tflite").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "other.tflite").write_bytes(b"no model at all")
    np.save(tmp_path / "text.npy", np.array(["a"]))
    np.save(tmp_path / "nan.npy", np.full((6, 8, 3), np.nan))
    np.save(tmp_path / "odd.npy", np.zeros((2, 6, 8, 3, 1)))
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    (tmp_path / "cut.png").write_bytes(png(PICTURE, 2)[:60])
    with wave.open(str(tmp_path / "s.wav"), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(200))
    model = str(files["float"])
    for line, reason in (
        ([tmp_path / "missing.tflite"], "No such file"),
        ([tmp_path / "cut.tflite"], "cut short"),
        ([tmp_path / "other.tflite"], "TFL3"),
        ([model, tmp_path / "missing.npy"], "found no file"),
        ([model, tmp_path / "text.npy"], "expected numbers"),
        ([model, tmp_path / "nan.npy"], "NaN"),
        ([model, tmp_path / "odd.npy"], "shape"),
        ([model, tmp_path / "objects.npy"], "cannot read"),
        ([model, tmp_path / "cut.png"], "cut short"),
        ([model, tmp_path / "nan.npy", tmp_path / "nan.npy"], "takes 1 input"),
        ([listener, tmp_path / "s.wav"], "100 samples a second, the file has 8000"),
    ):
        assert run.main([str(part) for part in line]) == 1, line
        shown = capsys.readouterr()
        assert shown.out == ""
        assert shown.err.startswith("run.py: error: ")
        assert shown.err.count("\n") == 1
        assert reason in shown.err, shown.err
