"""Spectrograms kept in shards: resumed, checked, taken in part, streamed."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from tfprune.datasets import (
    Catalog,
    cache,
    cache_images,
    read_catalog,
    spectrogram_arrays,
    write_synthetic_stead,
)
from tfprune.errors import DataError, FileError


@pytest.fixture(scope="module")
def hdf5(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cache") / "s.hdf5"
    write_synthetic_stead(path, path.with_suffix(".csv"), count=22, npts=1000, stations=3)
    return path


@pytest.fixture(scope="module")
def catalog(hdf5: Path) -> Catalog:
    return read_catalog(hdf5.with_suffix(".csv"))


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "SHARD", 5)


def passed(dataset: object) -> tuple[np.ndarray, np.ndarray]:
    batches = [(x.numpy(), y.numpy()) for x, y in dataset]  # type: ignore[attr-defined]
    return tuple(np.concatenate(part) for part in zip(*batches, strict=True))  # type: ignore[return-value]


@pytest.mark.parametrize("components", ["Z", "ENZ"])
def test_holds_what_would_be_drawn(
    components: str, hdf5: Path, catalog: Catalog, tmp_path: Path
) -> None:
    drawn = {"image_size": 24, "components": components}
    images, labels, _ = spectrogram_arrays(hdf5, catalog, **drawn)  # type: ignore[arg-type]
    kept = cache_images(hdf5, catalog, tmp_path, **drawn)  # type: ignore[arg-type]
    assert len(list(kept.folder.glob("*.npz"))) == 5
    for found in (kept.arrays(), passed(kept.batches(4))):
        np.testing.assert_array_equal(found[0], images)
        np.testing.assert_array_equal(found[1], labels)
    part = kept.take(np.array([3, 4, 11, 21]))
    np.testing.assert_array_equal(part.arrays()[0], images[[3, 4, 11, 21]])
    np.testing.assert_array_equal(passed(part.batches(3))[1], labels[[3, 4, 11, 21]])


def test_shuffles_anew_each_pass_and_keeps_labels_with_images(
    hdf5: Path, catalog: Catalog, tmp_path: Path
) -> None:
    kept = cache_images(hdf5, catalog, tmp_path, image_size=24)
    images, labels = kept.arrays()
    label = {image.tobytes(): y for image, y in zip(images, labels, strict=True)}
    dataset = kept.batches(8, shuffle=True, seed=1)
    assert len(dataset) == 3
    orders = []
    for _ in range(2):
        found, order = passed(dataset)
        assert [label[image.tobytes()] for image in found] == order.tolist()
        orders.append([image.mean() for image in found])
    assert orders[0] != orders[1]
    assert sorted(orders[0]) == sorted(orders[1]) == sorted(image.mean() for image in images)


def test_goes_on_where_it_stopped_and_draws_damaged_shards_anew(
    hdf5: Path, catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []
    draw = cache._draw

    def recorded(source: object, number: int, path: Path) -> None:
        if len(drawn) == 3:
            raise KeyboardInterrupt
        drawn.append(number)
        draw(source, number, path)  # type: ignore[arg-type]

    monkeypatch.setattr(cache, "_draw", recorded)
    with pytest.raises(KeyboardInterrupt):
        cache_images(hdf5, catalog, tmp_path, image_size=24)
    monkeypatch.setattr(cache, "_draw", lambda *given: (drawn.append(given[1]), draw(*given)))
    kept = cache_images(hdf5, catalog, tmp_path, image_size=24)
    assert drawn == [0, 1, 2, 3, 4]
    images = kept.arrays()[0]
    whole = (kept.folder / "00001.npz").read_bytes()
    for bad in (whole[:700], whole[:700] + b"\x00\xff\x11" + whole[703:], None):
        path = kept.folder / "00001.npz"
        path.unlink() if bad is None else path.write_bytes(bad)
        with pytest.raises(FileError, match=r"00001\.npz: it is missing or damaged"):
            kept.arrays()
        del drawn[:]
        again = cache_images(hdf5, catalog, tmp_path, image_size=24)
        assert drawn == [1]
        np.testing.assert_array_equal(again.arrays()[0], images)


def test_leaves_out_what_cannot_be_drawn(hdf5: Path, catalog: Catalog, tmp_path: Path) -> None:
    path = tmp_path / "bad.hdf5"
    path.write_bytes(hdf5.read_bytes())
    bad = [3, *range(5, 10), 21]  # a whole shard among them
    with h5py.File(path, "r+") as file:
        for row in bad:
            file["data"][catalog.trace_names[row]][:] = 0
    kept = cache_images(path, catalog, tmp_path, image_size=24)
    good = np.delete(np.arange(22), bad)
    np.testing.assert_array_equal(kept.rows, good)
    np.testing.assert_array_equal(kept.arrays()[1], catalog.labels[good])
    assert len(kept.take(np.arange(10))) == 4
    with pytest.raises(DataError, match="received none"):
        cache_images(path, catalog.take(bad), tmp_path, image_size=24)


def test_refuses_a_folder_that_is_none(hdf5: Path, catalog: Catalog, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="folder to cache in"):
        cache_images(hdf5, catalog, tmp_path / "none")
