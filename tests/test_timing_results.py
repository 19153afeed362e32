"""What else the machine did, and results kept in files; the command around them."""

import json
from dataclasses import replace
from pathlib import Path

import keras
import pytest
from keras import layers

from tfprune import cli
from tfprune.convert import to_tflite
from tfprune.errors import DataError, FileError
from tfprune.timing.conditions import Conditions, disturbances, observe
from tfprune.timing.machine import describe, flags_in, processor_in, values_of
from tfprune.timing.raw import Cold, RawModel, RawRun
from tfprune.timing.results_file import read_runs

CALM = Conditions(moment=0, cpus=4, load=0.5, mhz=2000, busy=100, stolen=10, own=50)
LATER = replace(CALM, moment=10, busy=110, own=60)
MACHINE = replace(describe(), cores=4, governor="performance")


class TestConditions:
    def test_a_quiet_machine_says_nothing(self):
        assert disturbances(MACHINE, CALM, LATER) == ()
        assert disturbances(MACHINE, observe(), observe()) is not None

    @pytest.mark.parametrize(
        ("before", "after", "machine", "expected"),
        [
            ({"load": 4.5}, {}, {}, "load average 4.5 on 4 cores"),
            ({}, {"busy": 150}, {}, "other programs took 100% of all"),
            ({}, {"stolen": 12}, {}, "the host of this virtual machine took 5% of all"),
            ({}, {"mhz": 1500}, {}, "from 2000 to 1500 MHz"),
            ({}, {}, {"governor": "powersave"}, "powersave"),
        ],
    )
    def test_what_disturbs_is_named(self, before, after, machine, expected):
        told = disturbances(
            replace(MACHINE, **machine), replace(CALM, **before), replace(LATER, **after)
        )
        assert len(told) == 1
        assert expected in told[0]

    def test_a_system_that_tells_nothing(self):
        mute = Conditions(0, 1, None, None, None, None, 0)
        assert disturbances(replace(MACHINE, governor=""), mute, replace(mute, moment=1)) == ()


class TestMachine:
    def test_processors_by_their_own_words(self):
        assert processor_in("processor : 0\nmodel name\t: Chip A \nflags : avx2 foo") == "Chip A"
        assert flags_in("flags\t\t: fpu avx2 avx512f foo fma") == ("fma", "avx2", "avx512f")
        assert flags_in("Features : fp asimd asimdhp asimddp") == ("asimd", "asimdhp", "asimddp")
        assert flags_in("") == ()
        assert values_of("cpu MHz : 10.5\ncpu MHz : 20", "cpu MHz") == ["10.5", "20"]

    def test_details_are_of_this_machine(self):
        here = describe()
        assert here.memory_bytes is None or here.memory_bytes > 1e8
        assert " ".join(here.flags) in here.details()


def test_timings_survive_json():
    model = RawModel("LiteRT", {1: [[0.5, 0.25]], 8: [[1.0]]}, {64: "no"}, Cold(1, 2, 3), 0.5, 7)
    raw = RawRun((model, replace(model, cold=None)), MACHINE, CALM, LATER)
    assert RawRun.from_dict(json.loads(json.dumps(raw.as_dict()))) == raw
    with pytest.raises(DataError, match="not of this version"):
        RawRun.from_dict({"models": [{}]})


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> str:
    given = keras.Input((4,))
    model = keras.Model(given, layers.Dense(3)(given))
    return str(to_tflite(model, tmp_path_factory.mktemp("models") / "m.tflite").path)


def _benchmark(*more: str) -> int:
    return cli.main(["benchmark", "--runs", "1", "--no_memory", *more])


class TestCommand:
    def test_runs_are_added_to_a_file(self, file, tmp_path, capsys):
        path = tmp_path / "results.json"
        more = ["--output", str(path), "--append"]
        assert _benchmark(file, file, "--title", "Two", *more) == 0
        assert _benchmark(file, "--json", "--batches", "1,2", *more) == 0
        first, second = read_runs(path)
        assert (first["title"], second["title"]) == ("Two", "")
        assert [len(run["rows"]) for run in (first, second)] == [2, 1]
        assert second["rows"][0]["throughput"][1]["batch"] == 2
        told = capsys.readouterr().out
        assert json.loads(told[told.index("\n{") :])["rows"] == second["rows"]

    def test_a_file_that_exists_is_not_lost(self, file, tmp_path, capsys):
        path = tmp_path / "results.json"
        assert _benchmark(file, "--output", str(path)) == 0
        before = path.read_bytes()
        assert _benchmark(file, "--output", str(path)) == 1
        assert "--append" in capsys.readouterr().err
        assert path.read_bytes() == before
        assert _benchmark(file, "--output", str(path), "--force") == 0
        assert len(read_runs(path)) == 1

    @pytest.mark.parametrize(
        ("content", "expected"),
        [
            ("{", "holds no JSON"),
            ("{}", "lacks the mark"),
            ('{"format": "tfprune.benchmark", "version": 2, "runs": []}', "version 1"),
            ('{"format": "tfprune.benchmark", "version": 1, "runs": [{}]}', "damaged"),
        ],
    )
    def test_other_files_are_refused_before_the_work(self, file, tmp_path, content, expected):
        path = tmp_path / "results.json"
        path.write_text(content)
        with pytest.raises(FileError, match=expected):
            read_runs(path)
        assert _benchmark(file, "--output", str(path), "--append") == 1
        assert path.read_text() == content

    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            (["--device", "tcp://x"], "expected a device here"),
            (["--device", "ssh://-x"], "expected a device ssh://"),
            (["--device", "adb:"], "adb or adb:SERIAL"),
            (["--runtime", "tensorrt"], "expected a runtime out of"),
            (["--runtime", "litert", "--runtime", "litert"], "as many as models"),
            (["--seconds", "0"], "expected seconds"),
        ],
    )
    def test_options_that_make_no_sense(self, file, capsys, options, expected):
        assert _benchmark(file, *options) == 1
        assert expected in capsys.readouterr().err

    def test_lists_of_numbers(self, file, capsys):
        with pytest.raises(SystemExit):
            _benchmark(file, "--cores", "a")
        assert "0,1 for example" in capsys.readouterr().err

    def test_a_missing_file(self, tmp_path, capsys):
        assert _benchmark(str(tmp_path / "none.tflite")) == 1
        assert "found nothing" in capsys.readouterr().err


def test_results_are_missing(tmp_path: Path):
    with pytest.raises(FileError, match="found nothing"):
        read_runs(tmp_path / "none.json")
