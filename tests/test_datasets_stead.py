"""The catalogue: what it keeps, how it splits, and what it says of a bad file."""

import csv
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfprune.datasets import Catalog, read_catalog, spectrogram_arrays, write_synthetic_stead
from tfprune.datasets.selection import numbers
from tfprune.datasets.splits import group_folds, group_split
from tfprune.errors import DataError

HEADER = ("trace_name", "trace_category", "receiver_code", "split", "unused")


def rows(stations: int = 10, each: int = 4) -> list[tuple[str, ...]]:
    return [
        (
            f"{s}_{i}",
            "earthquake_local" if i % 2 else "noise",
            f"ST{s}",
            "val" if s == 0 else "train",
            "x",
        )
        for s in range(stations)
        for i in range(each)
    ]


def write(path: Path, lines: list[tuple[str, ...]], header: tuple[str, ...] = HEADER) -> Path:
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([header, *lines])
    return path


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return read_catalog(write(tmp_path / "c.csv", rows()), columns=["split"])


def test_reads_wanted_columns_only(catalog: Catalog) -> None:
    assert len(catalog) == 40
    assert catalog.names == ("trace_name", "trace_category", "receiver_code", "split")
    assert catalog.trace_names[:2].tolist() == ["0_0", "0_1"]
    assert catalog.labels[:4].tolist() == [0, 1, 0, 1]
    assert catalog.labels.dtype == np.int32
    with pytest.raises(DataError, match=r"columns.*unused"):
        catalog.column("unused")


def test_equal_values_share_one_string(catalog: Catalog) -> None:
    assert len({id(value) for value in catalog.column("receiver_code")}) == 10


def test_column_order_and_byte_order_mark_do_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text("\ufeffreceiver_code,trace_category,trace_name\nA,noise,n\n", encoding="utf-8")
    assert read_catalog(path).trace_names.tolist() == ["n"]


def test_where_and_take(catalog: Catalog) -> None:
    assert set(catalog.where("receiver_code", "ST3").column("receiver_code")) == {"ST3"}
    assert len(catalog.where("receiver_code", ["ST3", "ST4"])) == 8
    assert catalog.take([3, 1]).trace_names.tolist() == ["0_3", "0_1"]
    with pytest.raises(DataError, match="present: ST0"):
        catalog.where("receiver_code", "nowhere")


def test_balanced(catalog: Catalog) -> None:
    uneven = catalog.take(np.flatnonzero((catalog.labels == 0) | (np.arange(40) < 12)))
    even = uneven.balanced(seed=1)
    assert np.bincount(even.labels).tolist() == [6, 6]
    assert uneven.balanced(seed=1).trace_names.tolist() == even.trace_names.tolist()
    assert uneven.balanced(seed=2).trace_names.tolist() != even.trace_names.tolist()
    assert np.bincount(uneven.balanced(3).labels).tolist() == [3, 3]
    with pytest.raises(DataError, match="1 to 6"):
        uneven.balanced(7)


def test_split_shares_no_station(catalog: Catalog) -> None:
    training, validation = catalog.split(validation=0.2, seed=3)
    assert not set(training.column("receiver_code")) & set(validation.column("receiver_code"))
    assert np.bincount(validation.labels).tolist() == [4, 4]
    again = catalog.split(validation=0.2, seed=3)[1]
    assert again.trace_names.tolist() == validation.trace_names.tolist()


def test_split_column(catalog: Catalog) -> None:
    training, validation = catalog.split_column("split")
    assert (len(training), len(validation)) == (36, 4)
    with pytest.raises(DataError, match="no trace has split among"):
        catalog.split_column("split", validation="test")


def test_folds_hold_every_row_once(catalog: Catalog) -> None:
    folds = catalog.folds(k=5)
    held = [name for _, validation in folds for name in validation.trace_names]
    assert sorted(held) == sorted(catalog.trace_names)
    for training, validation in folds:
        assert np.bincount(validation.labels).tolist() == [4, 4]
        assert not set(training.column("receiver_code")) & set(validation.column("receiver_code"))


@settings(max_examples=40, deadline=None)
@given(
    sizes=st.lists(st.tuples(st.integers(1, 6), st.integers(1, 6)), min_size=8, max_size=25),
    seed=st.integers(0, 99),
)
def test_uneven_groups_split_fairly(sizes: list[tuple[int, int]], seed: int) -> None:
    groups = [f"g{i}" for i, pair in enumerate(sizes) for _ in range(sum(pair))]
    labels = np.array([label for pair in sizes for label in (0, 1) for _ in range(pair[label])])
    total = np.bincount(labels)
    training, held = group_split(groups, labels, 0.3, seed)
    assert sorted([*training, *held]) == list(range(len(groups)))
    assert not {groups[i] for i in training} & {groups[i] for i in held}
    # One group more or less is the most a split by whole groups can be asked to miss by.
    assert (np.abs(np.bincount(labels[held], minlength=2) - 0.3 * total) <= 6).all()
    folds = group_folds(groups, labels, 4, seed)
    counts = np.array([np.bincount(labels[held], minlength=2) for _, held in folds])
    assert (counts.sum(0) == total).all()
    assert (np.abs(counts - total / 4) <= 8).all()


def test_splits_that_cannot_be(catalog: Catalog) -> None:
    noise = catalog.where("trace_category", "noise")
    for split in (noise.split, noise.folds, noise.balanced, noise.split_column):
        with pytest.raises(DataError, match="received noise only"):
            split()
    lone = catalog.where("receiver_code", "ST1")
    with pytest.raises(DataError, match="at least 2 groups"):
        lone.split()
    with pytest.raises(DataError, match="at least 5 groups for 5 folds, received 1"):
        lone.folds()
    with pytest.raises(DataError, match=r"share in \(0, 1\), received 1"):
        catalog.split(validation=1)
    with pytest.raises(DataError, match="too few to split"):
        catalog.split(by="trace_category")
    with pytest.raises(DataError, match="at least 2 folds"):
        catalog.folds(k=1)


def test_files_that_are_not_catalogues(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        read_catalog(tmp_path / "absent.csv")
    binary = tmp_path / "b.csv"
    binary.write_bytes(b"\x89HDF\r\n\x1a\n\xff\xfe\x00" * 50)
    with pytest.raises(DataError, match="is not one"):
        read_catalog(binary)
    short = write(tmp_path / "s.csv", rows(), ("a", "b", "c", "d", "e"))
    with pytest.raises(DataError, match=r"column 'trace_name' in .* columns a, b, c, d, e"):
        read_catalog(short)
    with pytest.raises(DataError, match="it has no rows"):
        read_catalog(write(tmp_path / "e.csv", []))
    empty = tmp_path / "empty.csv"
    empty.touch()
    with pytest.raises(DataError, match="column 'trace_name'"):
        read_catalog(empty)
    with pytest.raises(DataError, match=r"line 3: expected 5 values, received 2: .* cut short"):
        read_catalog(write(tmp_path / "t.csv", [rows()[0], ("a", "noise")]))
    with pytest.raises(DataError, match=r"line 2: .*received 'quarry_blast'"):
        read_catalog(write(tmp_path / "q.csv", [("a", "quarry_blast", "X", "train", "")]))


def test_every_message_is_one_line(tmp_path: Path) -> None:
    wild = write(tmp_path / "w.csv", rows(), tuple(f"col\n{i}" for i in range(5)))
    with pytest.raises(DataError) as error:
        read_catalog(wild)
    assert "\n" not in str(error.value)


def test_keeps_what_the_hdf5_file_holds(tmp_path: Path) -> None:
    table = write(tmp_path / "c.csv", rows())
    with h5py.File(tmp_path / "w.hdf5", "w") as file:
        file["data/0_1"] = np.zeros((4, 3))
        file["data/7_2"] = np.zeros((4, 3))
        file.create_group("other")
    assert read_catalog(table, tmp_path / "w.hdf5").trace_names.tolist() == ["0_1", "7_2"]
    with h5py.File(tmp_path / "n.hdf5", "w") as file:
        file["data/elsewhere"] = np.zeros((4, 3))
    with pytest.raises(DataError, match="none of its 40 traces is in"):
        read_catalog(table, tmp_path / "n.hdf5")


# -- chunks, ranges, and splits by earthquake


@pytest.fixture(scope="module")
def chunks(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two chunks with a CSV each; the names of the second's stations and traces differ."""
    folder = tmp_path_factory.mktemp("chunks")
    paths = [folder / "chunk1.hdf5", folder / "chunk2.hdf5"]
    for seed, path in enumerate(paths):
        write_synthetic_stead(
            path, path.with_suffix(".csv"), count=12, npts=1000, stations=3, seed=seed
        )
    # Times make the names, and both chunks begin at the same: tell the second's apart.
    with h5py.File(paths[1], "r+") as file:
        for name in list(file["data"]):
            file["data"].move(name, f"B{name}")
    table = paths[1].with_suffix(".csv")
    rows = list(csv.reader(table.read_text().splitlines()))
    at, source = rows[0].index("trace_name"), rows[0].index("source_id")
    for row in rows[1:]:
        row[at] = f"B{row[at]}"
        row[source] = row[source] and f"B{row[source]}"
    with table.open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)
    return paths


def test_chunks_are_read_as_one(chunks: list[Path]) -> None:
    tables = [path.with_suffix(".csv") for path in chunks]
    catalog = read_catalog(tables, chunks)
    assert len(catalog) == 24
    images, labels, report = spectrogram_arrays(chunks, catalog, image_size=24)
    assert (report.read, report.skipped) == (24, 0)
    np.testing.assert_array_equal(labels, catalog.labels)
    parts = [
        spectrogram_arrays(path, read_catalog(table), image_size=24)[0]
        for path, table in zip(chunks, tables, strict=True)
    ]
    np.testing.assert_array_equal(images, np.concatenate(parts))
    mixed = catalog.take(np.random.default_rng(0).permutation(24))
    assert spectrogram_arrays(chunks, mixed, image_size=24)[2].read == 24
    # One CSV may cover more than the files at hand, and two may describe the same trace.
    assert len(read_catalog(tables, chunks[1])) == 12
    twice = chunks[0].with_name("merged.csv")
    twice.write_bytes(tables[0].read_bytes())
    assert len(read_catalog([tables[0], twice], chunks[0])) == 12
    with pytest.raises(DataError, match="different ones"):
        read_catalog([tables[0], tables[0]])


def test_ranges_choose_earthquakes_and_keep_noise(chunks: list[Path]) -> None:
    columns = ["source_magnitude", "source_distance_km", "snr_db", "source_id"]
    catalog = read_catalog(chunks[0].with_suffix(".csv"), columns=columns)
    for column in columns[:3]:
        known = numbers(catalog.column(column))
        quakes = catalog.labels == 1
        assert np.isfinite(known).tolist() == quakes.tolist()
        middle = float(np.median(known[quakes]))
        chosen = catalog.between(column, middle)
        assert int((chosen.labels == 0).sum()) == 6
        assert numbers(chosen.column(column))[chosen.labels == 1].min() >= middle
        assert len(catalog.between(column, None, middle)) + len(chosen) >= 12 + 6
    with pytest.raises(DataError, match=r"no earthquake has source_magnitude from 9 .* has \d"):
        catalog.between("source_magnitude", 9)


def test_splits_by_earthquake_keep_noise_by_station(chunks: list[Path]) -> None:
    tables = [path.with_suffix(".csv") for path in chunks]
    catalog = read_catalog(tables, chunks, columns=["source_id"])
    sides = catalog.split(by="source_id", validation=0.3)
    events = [set(side.column("source_id")) - {""} for side in sides]
    assert not events[0] & events[1]
    quiet = [set(side.column("receiver_code")[side.labels == 0]) for side in sides]
    assert not quiet[0] & quiet[1]
    assert all(set(side.labels) == {0, 1} for side in sides)
