"""The reader against files made with h5py, whole and damaged."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from tfprune.datasets import ReadReport, iterate_waveforms
from tfprune.errors import DataError


def drain(path: Path, names: list[str], **options: object) -> tuple[list[str], ReadReport]:
    reader = iterate_waveforms(path, names, **options)  # type: ignore[arg-type]
    read = []
    while True:
        try:
            read.append(next(reader)[0])
        except StopIteration as end:
            return read, end.value


@pytest.fixture
def file_of_all_sorts(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    good = rng.normal(size=(300, 3))
    holed, endless = good.copy(), good.copy()
    holed[3, 0] = np.nan
    endless[5, 2] = np.inf
    only_horizontal = good * [1, 1, 0]
    with h5py.File(tmp_path / "w.hdf5", "w") as file:
        data = file.create_group("data")
        for name, samples in {
            "good": good,
            "vertical_only": good * [0, 0, 1],
            "counts": np.round(good * 100).astype("int16"),
            "longer": rng.normal(size=(400, 3)),
            "nan": holed,
            "inf": endless,
            "zero": np.zeros((300, 3)),
            "dead_vertical": only_horizontal,
            "flat": good[:, 0],
            "two": good[:, :2],
            "empty": np.zeros((0, 3)),
        }.items():
            data[name] = samples
        data.create_dataset("text", data=[["a", "b", "c"]])
        data.create_group("group")
    return tmp_path / "w.hdf5"


def test_reads_in_the_order_asked(file_of_all_sorts: Path) -> None:
    pairs = list(iterate_waveforms(file_of_all_sorts, ["longer", "good", "counts"]))
    assert [name for name, _ in pairs] == ["longer", "good", "counts"]
    with h5py.File(file_of_all_sorts) as file:
        for name, samples in pairs:
            assert samples.dtype == np.float32
            np.testing.assert_array_equal(samples, file["data"][name][()].astype("float32"))


def test_counts_what_it_skips(file_of_all_sorts: Path) -> None:
    with h5py.File(file_of_all_sorts) as file:
        names = [*file["data"], *(f"absent{i}" for i in range(9))]
    read, report = drain(file_of_all_sorts, names)
    assert sorted(read) == ["counts", "good", "longer", "vertical_only"]
    assert report.read == 4
    assert report.skipped == len(names) - 4
    found = {problem.reason: (problem.count, problem.names) for problem in report.problems}
    assert found == {
        "not in the file": (10, ("group", "absent0", "absent1", "absent2", "absent3")),
        "not of shape (n, 3)": (3, ("empty", "flat", "two")),
        "not readable": (1, ("text",)),
        "with NaN or infinite samples": (2, ("inf", "nan")),
        "without a signal on the vertical component": (2, ("dead_vertical", "zero")),
    }
    assert "2 with NaN or infinite samples (inf, nan)" in str(report)
    assert "absent3, ...)" in str(report)


def test_length_can_be_demanded(file_of_all_sorts: Path) -> None:
    read, report = drain(file_of_all_sorts, ["good", "longer"], npts=300)
    assert read == ["good"]
    assert str(report) == "1 traces read, 1 skipped; 1 not 300 samples long (longer)"


def test_raises_at_the_first_if_asked(file_of_all_sorts: Path) -> None:
    with pytest.raises(DataError, match="trace nan is with NaN or infinite samples"):
        list(iterate_waveforms(file_of_all_sorts, ["good", "nan"], on_error="raise"))
    with pytest.raises(DataError, match="on_error"):
        list(iterate_waveforms(file_of_all_sorts, ["good"], on_error="maybe"))  # type: ignore[arg-type]


def test_raises_if_nothing_is_usable(file_of_all_sorts: Path) -> None:
    with pytest.raises(DataError, match="received none: 0 traces read, 2 skipped"):
        list(iterate_waveforms(file_of_all_sorts, ["nan", "absent"]))


def test_files_that_are_not_hdf5(tmp_path: Path, file_of_all_sorts: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        list(iterate_waveforms(tmp_path / "absent.hdf5", ["a"]))
    with pytest.raises(DataError, match="does not exist"):
        list(iterate_waveforms(tmp_path, ["a"]))
    text = tmp_path / "t.hdf5"
    text.write_text("trace_name\n")
    with pytest.raises(DataError, match="is of another kind"):
        list(iterate_waveforms(text, ["a"]))
    cut = tmp_path / "cut.hdf5"
    cut.write_bytes(file_of_all_sorts.read_bytes()[:-2000])
    with pytest.raises(DataError, match="damaged or cut short") as error:
        list(iterate_waveforms(cut, ["good"]))
    assert "\n" not in str(error.value)
    with h5py.File(tmp_path / "other.hdf5", "w") as file:
        file["waves"] = np.zeros(3)
    with pytest.raises(DataError, match=r"group 'data' in .*received waves"):
        list(iterate_waveforms(tmp_path / "other.hdf5", ["a"]))


def test_a_damaged_chunk_costs_one_trace(tmp_path: Path) -> None:
    path = tmp_path / "w.hdf5"
    samples = np.random.default_rng(0).normal(size=(500, 3)).astype("float32")
    with h5py.File(path, "w") as file:
        for name in ("first", "second"):
            file.create_dataset(f"data/{name}", data=samples, chunks=(500, 3), compression="gzip")
        chunk = file["data/second"].id.get_chunk_info(0)
    content = bytearray(path.read_bytes())
    content[chunk.byte_offset : chunk.byte_offset + chunk.size] = bytes(chunk.size)
    path.write_bytes(content)
    read, report = drain(path, ["first", "second"])
    assert read == ["first"]
    assert str(report).endswith("1 not readable (second)")
