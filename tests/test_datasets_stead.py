"""The catalogue: what it keeps, how it splits, and what it says of a bad file."""

import csv
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfprune.datasets import Catalog, read_catalog
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
