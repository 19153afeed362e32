"""The stream of images: order, repetition, caching, bad samples, and the real windows."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from tfprune.datasets import (
    Catalog,
    read_catalog,
    spectrogram_arrays,
    spectrogram_dataset,
    write_synthetic_stead,
)
from tfprune.errors import DataError


@pytest.fixture(scope="module")
def hdf5(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pipeline") / "s.hdf5"
    write_synthetic_stead(path, path.with_suffix(".csv"), count=22, npts=1000, stations=3)
    return path


@pytest.fixture(scope="module")
def catalog(hdf5: Path) -> Catalog:
    return read_catalog(hdf5.with_suffix(".csv"))


def passed(dataset: object) -> tuple[np.ndarray, np.ndarray]:
    batches = [(x.numpy(), y.numpy()) for x, y in dataset]  # type: ignore[attr-defined]
    return tuple(np.concatenate(part) for part in zip(*batches, strict=True))  # type: ignore[return-value]


def keys(images: np.ndarray) -> list[float]:
    """Something that tells the images apart whatever their order."""
    return [float(image.mean()) for image in images]


def test_streams_what_arrays_hold(hdf5: Path, catalog: Catalog) -> None:
    images, labels, report = spectrogram_arrays(hdf5, catalog, image_size=24)
    assert (images.shape, images.dtype) == ((22, 24, 24, 3), np.float32)
    assert labels.tolist() == catalog.labels.tolist()
    assert (report.read, report.skipped) == (22, 0)
    dataset = spectrogram_dataset(hdf5, catalog, image_size=24, batch_size=8)
    assert [len(y) for _, y in dataset] == [8, 8, 6]
    spec = dataset.element_spec
    assert spec[0].shape.as_list() == [None, 24, 24, 3]
    assert (spec[0].dtype.name, spec[1].dtype.name) == ("float32", "int32")
    for _ in range(2):
        streamed, order = passed(dataset)
        np.testing.assert_array_equal(streamed, images)
        np.testing.assert_array_equal(order, labels)


def test_colour(hdf5: Path, catalog: Catalog) -> None:
    images, _, _ = spectrogram_arrays(hdf5, catalog, image_size=24, components="ENZ")
    assert not np.array_equal(images[..., 0], images[..., 2])
    streamed, _ = passed(spectrogram_dataset(hdf5, catalog, image_size=24, components="ENZ"))
    np.testing.assert_array_equal(streamed, images)


@pytest.mark.parametrize("cache", [False, True, "folder"])
def test_shuffles_anew_each_pass_and_alike_for_a_seed(
    hdf5: Path, catalog: Catalog, cache: bool | str, tmp_path: Path
) -> None:
    def passes(seed: int, folder: str) -> list[list[float]]:
        where = tmp_path / folder
        where.mkdir(exist_ok=True)
        dataset = spectrogram_dataset(
            hdf5,
            catalog,
            image_size=24,
            shuffle=True,
            seed=seed,
            cache=where if cache == "folder" else bool(cache),
        )
        return [keys(passed(dataset)[0]) for _ in range(3)]

    ordered = keys(spectrogram_arrays(hdf5, catalog, image_size=24)[0])
    first = passes(0, "a")
    assert first[0] != first[1] != first[2] != ordered
    assert all(sorted(one) == sorted(ordered) for one in first)
    assert passes(0, "b") == first
    assert passes(1, "c") != first


def test_cached_labels_stay_with_their_images(hdf5: Path, catalog: Catalog) -> None:
    images, labels, _ = spectrogram_arrays(hdf5, catalog, image_size=24)
    label = dict(zip(keys(images), labels, strict=True))
    dataset = spectrogram_dataset(hdf5, catalog, image_size=24, shuffle=True, cache=True)
    for _ in range(2):
        streamed, order = passed(dataset)
        assert [label[key] for key in keys(streamed)] == order.tolist()


def test_a_cache_is_not_mistaken_for_another(hdf5: Path, catalog: Catalog, tmp_path: Path) -> None:
    for size, rows in ((24, 22), (16, 22), (24, 10)):
        part = catalog.take(range(rows))
        dataset = spectrogram_dataset(hdf5, part, image_size=size, cache=tmp_path)
        for _ in range(2):
            assert passed(dataset)[0].shape == (rows, size, size, 3)


def test_bad_samples_are_left_out(hdf5: Path, catalog: Catalog, tmp_path: Path) -> None:
    path = tmp_path / "bad.hdf5"
    path.write_bytes(hdf5.read_bytes())
    with h5py.File(path, "r+") as file:
        file["data"][catalog.trace_names[3]][5, 1] = np.nan
        file["data"][catalog.trace_names[21]][:] = 0
    images, labels, report = spectrogram_arrays(path, catalog, image_size=24)
    assert len(images) == len(labels) == report.read == 20
    assert report.skipped == 2
    expected = np.delete(catalog.labels, [3, 21])
    assert labels.tolist() == expected.tolist()
    dataset = spectrogram_dataset(path, catalog, image_size=24, batch_size=8)
    assert [len(y) for _, y in dataset] == [8, 8, 4]
    with pytest.raises(DataError, match="with NaN"):
        spectrogram_arrays(path, catalog, image_size=24, on_error="raise")


def test_mistakes_show_before_the_stream_starts(
    hdf5: Path, catalog: Catalog, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="traces in the catalogue, received none"):
        spectrogram_dataset(hdf5, catalog.take([]))
    with pytest.raises(DataError, match="does not exist"):
        spectrogram_dataset(tmp_path / "absent.hdf5", catalog)
    with pytest.raises(DataError, match="batch size"):
        spectrogram_dataset(hdf5, catalog, batch_size=0)
    with pytest.raises(DataError, match="folder to cache in"):
        spectrogram_dataset(hdf5, catalog, cache=tmp_path / "none")
    with pytest.raises(DataError, match="'Z' or 'ENZ'"):
        spectrogram_dataset(hdf5, catalog, components="XYZ")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="pixels"):
        spectrogram_arrays(hdf5, catalog, image_size=0)


def test_traces_too_short_to_draw_are_named(catalog: Catalog, tmp_path: Path) -> None:
    path = tmp_path / "short.hdf5"
    with h5py.File(path, "w") as file:
        for name in catalog.trace_names:
            file[f"data/{name}"] = np.random.default_rng(0).normal(size=(100, 3))
    with pytest.raises(DataError, match=r"22 shorter than 256 samples \(SY00"):
        spectrogram_arrays(path, catalog)


def test_a_trained_threshold_tells_synthetic_classes_apart(tmp_path: Path) -> None:
    path = tmp_path / "s.hdf5"
    write_synthetic_stead(path, path.with_suffix(".csv"), count=160, stations=8)
    training, validation = read_catalog(path.with_suffix(".csv")).split(validation=0.25)
    accuracy = threshold_accuracy(path, training, validation)
    assert 0.65 < accuracy < 1  # there is something to learn, and it is not given away


def test_real_windows(shared_data: Path) -> None:
    path = shared_data / "seismic" / "stead_layout_ncedc.hdf5"
    if not path.is_file():
        pytest.skip(f"needs the seismic windows: no file {path}")
    catalog = read_catalog(path.with_suffix(".csv"), path, columns=["split"])
    assert np.bincount(catalog.labels).tolist() == [202, 202]
    training, validation = catalog.split_column()
    assert (len(training), len(validation)) == (328, 76)
    assert not set(training.column("receiver_code")) & set(validation.column("receiver_code"))
    assert threshold_accuracy(path, training, validation) > 0.8


def threshold_accuracy(path: Path, training: Catalog, validation: Catalog) -> float:
    """The accuracy of one threshold, trained, on how far the brightest column outshines all."""

    def feature(catalog: Catalog) -> np.ndarray:
        images, _, report = spectrogram_arrays(path, catalog, image_size=48)
        assert report.skipped == 0
        brightness = np.sort(images[..., 0].mean(axis=1), axis=1)
        return brightness[:, -3] - brightness.mean(axis=1)

    known = feature(training)
    scores = [np.mean((known > threshold) == training.labels) for threshold in known]
    best = known[int(np.argmax(scores))]
    return float(np.mean((feature(validation) > best) == validation.labels))
