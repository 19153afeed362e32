"""The live detector, on a real record of local earthquakes that ObsPy ships."""

import json
import os
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

import tfprune
from tfprune import cli
from tfprune.errors import DataError, FileError
from tfprune.models import from_waveforms
from tfprune.recipes.earthquake.detector import detect
from tfprune.recipes.earthquake.record import read_record

obspy = pytest.importorskip("obspy", reason="pip install 'tfprune[recipes]'")

# ObsPy's tutorial on triggers finds these in its records of Unterhaching, 2010-05-27. The third
# that it tells, at 16:27:01, takes four stations: at this one it drowns in the noise.
KNOWN = ("2010-05-27T16:24:33", "2010-05-27T16:27:30")
RECORD = Path(obspy.__file__).parent / "signal/tests/data/BW.UH4._.EHZ.D.2010.147.cut.slist.gz"


def contrast_net() -> keras.Model:
    """Tells an earthquake where the brightest column of the spectrogram outshines the mean."""
    x = keras.Input((32, 32, 3), name="image")
    columns = layers.AveragePooling2D((32, 1))(layers.Rescaling(1 / 255)(x))
    peak, mean = layers.GlobalMaxPooling2D()(columns), layers.GlobalAveragePooling2D()(columns)
    model = keras.Model(x, layers.Dense(2, "softmax")(layers.Subtract()([peak, mean])))
    model.layers[-1].set_weights([np.array([[-20, 20]] * 3) / 3, np.array([4.0, -4.0])])
    return model


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("detector")
    net = contrast_net()
    tfprune.convert.to_tflite(net, folder / "images.tflite")
    tfprune.convert.to_tflite(from_waveforms(net, 2000), folder / "waveforms.tflite")
    wrong = keras.Sequential([keras.Input((4,)), layers.Dense(2)])
    tfprune.convert.to_tflite(wrong, folder / "wrong.tflite")
    return folder


@pytest.fixture(scope="module")
def mseed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not RECORD.is_file():
        pytest.skip(f"needs ObsPy's test data: no file {RECORD}")
    path = tmp_path_factory.mktemp("record") / "uh4.mseed"
    obspy.read(str(RECORD)).write(str(path), format="MSEED")
    return path


def seconds(moment: str) -> float:
    return obspy.UTCDateTime(moment).timestamp


@pytest.mark.parametrize("kind", ["images", "waveforms"])
def test_finds_the_known_earthquakes(
    kind: str, files: Path, mseed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "found.png"
    line = ["recipe", "earthquake", "--detect", str(mseed), "--window", "20"]
    line += ["--model", str(files / f"{kind}.tflite"), "--picture", str(picture), "--json"]
    assert cli.main(line) == 0
    (segment,) = json.loads(capsys.readouterr().out)["segments"]
    assert segment["station"] == "BW.UH4..EH"
    assert segment["seconds"] == pytest.approx(230.33)
    assert segment["windows"] == 107  # each 2 s, the last where the record ends
    found = segment["detections"]
    for moment in KNOWN:
        assert any(seconds(x["start"]) <= seconds(moment) <= seconds(x["end"]) for x in found)
        onsets = [seconds(onset) for x in found for onset in x["onsets"]]
        assert min(abs(onset - seconds(moment)) for onset in onsets) < 2
    heard = sum(seconds(x["end"]) - seconds(x["start"]) for x in found)
    assert len(found) == 2
    assert heard < 0.5 * segment["seconds"]  # the minutes between them are told quiet
    assert picture.stat().st_size > 10_000


def test_the_table_says_how_many(
    files: Path, mseed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["recipe", "earthquake", "--detect", str(mseed), "--threshold", "0.999999"]
    assert cli.main([*line, "--model", str(files / "images.tflite")]) == 0
    shown = capsys.readouterr().out
    assert "detections in 230 s of record" in shown
    assert "times as fast as it was recorded" in shown


def test_gaps_rates_and_components(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    start = obspy.UTCDateTime(2020, 1, 1)

    def trace(channel: str, rate: float, length: int, after: float = 0.0) -> object:
        header = {"network": "XX", "station": "AA", "channel": channel, "sampling_rate": rate}
        data = rng.normal(size=length).astype("float32")
        return obspy.Trace(data, {**header, "starttime": start + after})

    traces = [
        trace("HHZ", 100, 3000),
        trace("HHZ", 100, 1000, after=40),
        trace("HHN", 100, 2000, after=5),
        trace("EHZ", 200, 4000),
        trace("EH1", 200, 4000),
        trace("LHE", 1, 400),
    ]
    paths = []
    for number, one in enumerate(traces):
        paths.append(tmp_path / f"{number}.mseed")
        one.write(str(paths[-1]), format="MSEED")  # type: ignore[attr-defined]
    segments = read_record(paths)
    assert [(s.station, len(s.samples), s.start - start) for s in segments] == [
        ("XX.AA..EH", 2000, 0),
        ("XX.AA..HH", 3000, 0),
        ("XX.AA..HH", 1000, 40),
    ]
    north = segments[1].samples[:, 1]
    assert not north[:500].any()
    assert north[500:2500].all()
    assert not north[2500:].any()
    np.testing.assert_array_equal(north[500:2500], traces[2].data)  # type: ignore[attr-defined]
    np.testing.assert_array_equal(segments[1].samples[:, 2], traces[0].data)  # type: ignore[attr-defined]
    assert not segments[1].samples[:, 0].any()
    assert segments[0].samples[:, 1].any()
    with pytest.raises(DataError, match=r"vertical component .* XX\.AA\.\.LHE"):
        read_record(paths[-1:])


def test_what_cannot_be_heard(files: Path, mseed: Path, tmp_path: Path) -> None:
    segments = read_record([mseed])
    for settings in ({"threshold": 1.5}, {"step": 0}, {"window": 1}):
        with pytest.raises(DataError, match="threshold in"):
            detect(files / "images.tflite", segments, **settings)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="without a gap, the longest has 230"):
        detect(files / "images.tflite", segments, window=300)
    with pytest.raises(DataError, match=r"received one from \(1, 4\)"):
        detect(files / "wrong.tflite", segments)
    with pytest.raises(FileError, match="found nothing"):
        read_record([tmp_path / "missing.mseed"])
    (tmp_path / "text.mseed").write_text("not a record")
    with pytest.raises(FileError, match="ObsPy reads"):
        read_record([tmp_path / "text.mseed"])


def test_asks_for_the_file_that_listens(
    mseed: Path, files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["recipe", "earthquake", "--detect", str(mseed)]) == 1
    assert "--model FILE.tflite" in capsys.readouterr().err
    (tmp_path / "old.png").write_text("kept")
    line = ["recipe", "earthquake", "--detect", str(mseed), "--model", str(files / "images.tflite")]
    assert cli.main([*line, "--picture", str(tmp_path / "old.png")]) == 1
    assert "--force" in capsys.readouterr().err
    assert os.listdir(tmp_path) == ["old.png"]
