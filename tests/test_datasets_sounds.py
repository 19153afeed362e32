"""Sounds: layouts, decoding, what cannot be read, and their log-mel features."""

from pathlib import Path

import numpy as np
import pytest

from tfprune import datasets
from tfprune.datasets import Mel, decoding, log_mels
from tfprune.datasets.log_mels import most_common_rate
from tfprune.datasets.photos import Unreadable
from tfprune.errors import DataError, FileError

soundfile = pytest.importorskip("soundfile")
RATE = 8000


def noise(seconds: float = 0.5, channels: int = 1, seed: int = 0) -> np.ndarray:
    count = round(seconds * RATE)
    values = 0.2 * np.random.default_rng(seed).standard_normal((count, channels))
    return values.clip(-0.99, 0.99)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes of good sounds and one of each bad kind."""
    for label in ("rain", "dog"):
        (tmp_path / label).mkdir()
        for number in range(3):
            soundfile.write(tmp_path / label / f"{number}.wav", noise(seed=number), RATE)
    soundfile.write(tmp_path / "dog" / "fast.wav", noise(), 2 * RATE)
    soundfile.write(tmp_path / "dog" / "silent.wav", 0 * noise(), RATE)
    soundfile.write(tmp_path / "dog" / "none.wav", noise(0), RATE)
    soundfile.write(tmp_path / "dog" / "short.wav", noise(0.05), RATE)
    (tmp_path / "dog" / "junk.wav").write_bytes(b"RIFFjunk" * 40)
    (tmp_path / "dog" / "text.txt").write_text("no sound")
    return tmp_path


def test_bad_sounds_are_counted_and_named_and_the_rest_is_kept(folder: Path) -> None:
    sounds = datasets.list_sounds(folder)
    assert sounds.classes == ("dog", "rain")
    assert (len(sounds), sounds.numbers) == (11, ())
    assert most_common_rate(sounds) == RATE
    cache = folder / "cache"
    with pytest.raises(DataError, match="make it first"):
        log_mels(sounds, cache, Mel.baseline(RATE))
    cache.mkdir()
    found = log_mels(sounds, cache, Mel.baseline(RATE), seconds=1.0)
    assert found.levels.shape == (7, 40, 50, 1)
    assert found.resampled == 1
    reasons = {problem.reason: problem.names for problem in found.report.problems}
    assert reasons == {
        "broken or no sound": ("dog/junk.wav",),
        "empty": ("dog/none.wav",),
        "too short": ("dog/short.wav",),
        "silent": ("dog/silent.wav",),
    }
    np.testing.assert_allclose(  # half a second, repeated
        found.levels[0, :, 5:20], found.levels[0, :, 30:45], atol=1e-3
    )
    shard = next(cache.rglob("*.npz"))
    stamp = shard.stat().st_mtime_ns
    log_mels(sounds, cache, Mel.baseline(RATE), seconds=1.0)
    assert shard.stat().st_mtime_ns == stamp
    shard.write_bytes(shard.read_bytes()[:-300])
    again = log_mels(sounds, cache, Mel.baseline(RATE), seconds=1.0)
    np.testing.assert_array_equal(again.levels, found.levels)
    mean, sd = datasets.band_statistics(found.levels)
    scaled = (found.levels - mean) / sd
    np.testing.assert_allclose(scaled.mean(axis=(0, 2, 3)), 0, atol=1e-4)
    np.testing.assert_allclose(scaled.std(axis=(0, 2, 3)), 1, atol=1e-4)


def test_the_layout_of_tau_is_read(tmp_path: Path) -> None:
    names = [f"audio/{s}-{c}-{n}-{n}-a.wav" for s in ("park", "tram") for c, n in CITIES]
    lines = [f"{n}\t{n[6:10]}\t{'-'.join(n.split('-')[1:3])}\ta" for n in names]
    head = "filename\tscene_label\tidentifier\tsource_label\n"
    (tmp_path / "meta.csv").write_text(head + "\n".join(lines) + "\n")
    setup = tmp_path / "evaluation_setup"
    setup.mkdir()
    rows = [f"{name}\t{name[6:10]}\n" for name in names]
    (setup / "fold1_train.csv").write_text("filename\tscene_label\n" + rows[0] + rows[3])
    (setup / "fold1_evaluate.csv").write_text("filename\tscene_label\n" + rows[1] + rows[4])
    (setup / "fold1_test.csv").write_text("filename\n" + names[2] + "\n")
    sounds = datasets.list_sounds(tmp_path)
    assert sounds.classes == ("park", "tram")
    assert sounds.files.tolist() == [names[0], names[1], names[3], names[4]]
    assert sounds.folds.tolist() == [-1, 1, -1, 1]
    assert sounds.numbers == (1,)
    assert set(sounds.devices) == {"a"}
    assert sounds.cities.tolist() == ["lisbon", "london"] * 2
    assert sounds.groups[0] == "lisbon-1"


CITIES = (("lisbon", 1), ("london", 2), ("paris", 3))


def test_a_csv_names_classes_groups_and_folds(tmp_path: Path) -> None:
    table = tmp_path / "list.csv"
    table.write_text(
        "file,label,class_name,fold,freesound_clip_id\na.ogg,0,Dog,1,7\nb.ogg,1,Rain,2,7\n"
    )
    sounds = datasets.list_sounds(table)
    assert (sounds.classes, sounds.numbers) == (("Dog", "Rain"), (1, 2))
    assert sounds.groups.tolist() == ["7", "7"]
    table.write_text("file,label,fold\na.ogg,x,one\n")
    with pytest.raises(DataError, match="whole numbers"):
        datasets.list_sounds(table)
    table.write_text("sound,label\na.ogg,x\n")
    with pytest.raises(DataError, match="a column file or filename"):
        datasets.list_sounds(table)
    with pytest.raises(FileError, match="neither"):
        datasets.list_sounds(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="named after classes"):
        datasets.list_sounds(tmp_path / "empty")


@pytest.mark.parametrize(
    ("name", "kind", "within"),
    [
        ("a.wav", "PCM_16", 0),
        ("b.wav", "PCM_24", 0),
        ("c.wav", "FLOAT", 0),
        ("d.wav", "PCM_U8", 0),
        ("e.wav", "PCM_32", 0),
        ("f.flac", "PCM_16", 0),
        ("g.ogg", "VORBIS", 2e-6),
    ],
)
def test_both_libraries_give_the_same_samples(
    name: str, kind: str, within: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / name
    soundfile.write(path, noise(0.2, 2), RATE, kind)
    samples, rate = decoding.read_sound(path)
    monkeypatch.setattr(decoding, "native_io", lambda: None)
    other, same = decoding.read_sound(path)
    assert (rate, same, samples.dtype, samples.shape) == (RATE, RATE, np.float32, (1600,))
    np.testing.assert_allclose(samples, other, rtol=0, atol=within)
    if kind != "VORBIS":
        np.testing.assert_allclose(other, noise(0.2, 2).mean(axis=1), atol=0.01)


def test_a_wav_that_ends_early_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "whole.wav", noise(), RATE)
    content = (tmp_path / "whole.wav").read_bytes()
    (tmp_path / "half.wav").write_bytes(content[: len(content) // 2])
    assert 1900 < len(decoding.read_sound(tmp_path / "half.wav")[0]) < 2000
    (tmp_path / "head.wav").write_bytes(content[:30])
    with pytest.raises(Unreadable, match="broken"):
        decoding.read_sound(tmp_path / "head.wav")
    with pytest.raises(Unreadable, match="missing"):
        decoding.read_sound(tmp_path / "gone.wav")


def test_features_are_those_of_librosa() -> None:
    librosa = pytest.importorskip("librosa")
    from tfprune.models import LogMel

    for rate in (44100, 22050):
        mel = Mel.baseline(rate)
        wave = noise(2.0)[:, 0].astype(np.float32)
        expected = librosa.feature.melspectrogram(
            y=wave,
            sr=rate,
            n_fft=mel.nfft,
            win_length=mel.window,
            hop_length=mel.hop,
            pad_mode="constant",
            n_mels=40,
            fmin=0,
            fmax=mel.high,
        )
        found = np.asarray(LogMel(mel)(wave[None]))[0, ..., 0]
        expected = 10 * np.log10(np.maximum(expected, 1e-10))[:, : found.shape[1]]
        np.testing.assert_allclose(found, expected, atol=5e-3)
    with pytest.raises(DataError, match="window within nfft"):
        Mel(8000, 128, 256, 80)
