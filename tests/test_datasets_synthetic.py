"""Synthetic seismograms: the physics, the layout, the seed."""

import csv
import itertools
from pathlib import Path

import h5py
import numpy as np
import pytest

from tfprune.datasets import earthquakes, iterate_waveforms, read_catalog, write_synthetic_stead
from tfprune.datasets.spectrogram import power_density
from tfprune.errors import DataError, FileError

STEAD_COLUMNS = 35


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("synthetic")
    write_synthetic_stead(path / "s.hdf5", path / "s.csv", count=80, seed=4, stations=8)
    return path


@pytest.fixture(scope="module")
def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "s.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def local(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    return [row for row in rows if row["trace_category"] == "earthquake_local"]


def samples(folder: Path, rows: list[dict[str, str]]) -> list[np.ndarray]:
    names = [row["trace_name"] for row in rows]
    return [w for _, w in iterate_waveforms(folder / "s.hdf5", names, npts=2800, on_error="raise")]


def test_layout_is_steads(folder: Path, rows: list[dict[str, str]]) -> None:
    assert len(rows[0]) == STEAD_COLUMNS
    assert len(local(rows)) == 40
    assert len({row["receiver_code"] for row in rows}) == 8
    with h5py.File(folder / "s.hdf5") as file:
        assert list(file) == ["data"]
        dataset = file["data"][local(rows)[0]["trace_name"]]
        assert (dataset.shape, dataset.dtype) == ((2800, 3), np.float32)
        for name in ("p_arrival_sample", "s_arrival_sample", "coda_end_sample", "snr_db"):
            assert str(dataset.attrs[name]) == local(rows)[0][name]
    noise = next(row for row in rows if row["trace_category"] == "noise")
    assert noise["p_arrival_sample"] == noise["source_magnitude"] == ""


def test_reader_takes_it(folder: Path) -> None:
    catalog = read_catalog(folder / "s.csv", folder / "s.hdf5", columns=["source_distance_km"])
    assert np.bincount(catalog.labels).tolist() == [40, 40]
    training, validation = catalog.split(validation=0.25)
    assert (len(training), len(validation)) == (60, 20)


def test_s_follows_p_by_distance(rows: list[dict[str, str]]) -> None:
    p = np.array([float(row["p_arrival_sample"]) for row in local(rows)])
    s = np.array([float(row["s_arrival_sample"]) for row in local(rows)])
    surface = np.array([float(row["source_distance_km"]) for row in local(rows)])
    depth = np.array([float(row["source_depth_km"]) for row in local(rows)])
    coda = np.array([float(row["coda_end_sample"].strip("[]")) for row in local(rows)])
    assert (p > 0).all()
    assert (s > p).all()
    assert (coda > s).all()
    assert (coda <= 2800).all()
    distance = np.hypot(surface, depth)
    assert np.corrcoef(distance, s - p)[0, 1] > 0.99
    # (S - P) vp / distance + 1 is the ratio of the wave speeds, in the crust 1.6 to 1.9.
    ratio = 1 + (s - p) / 100 * earthquakes.P_SPEED / distance
    assert ((ratio > 1.65) & (ratio < 1.83)).all()


def test_amplitude_follows_magnitude_and_distance() -> None:
    peak = earthquakes._peak
    assert peak(3.0, 50.0) == pytest.approx(10 * peak(2.0, 50.0))
    assert peak(2.0, 20.0) > 2 * peak(2.0, 50.0)


def test_larger_sources_are_deeper_in_tone() -> None:
    corners = [earthquakes.corner_frequency(m) for m in (1.0, 2.0, 3.0, 4.0)]
    # A tenfold moment lowers the corner by the cube root of ten (Brune 1970).
    for large, small in itertools.pairwise(corners):
        assert large / small == pytest.approx(10**0.5, rel=1e-6)
    assert 1 < corners[-1] < corners[0] < 200


def test_energy_comes_with_the_waves(folder: Path, rows: list[dict[str, str]]) -> None:
    clear = [row for row in local(rows) if float(row["snr_db"].strip("[]").split()[0]) > 20]
    assert len(clear) >= 5
    horizontal, vertical = [], []
    for row, wave in zip(clear, samples(folder, clear), strict=True):
        p, s = (int(float(row[f"{phase}_arrival_sample"])) for phase in "ps")
        motion = wave - wave.mean(0)
        before, after = motion[: p - 10], motion[s : s + 400]
        assert after.std() > 3 * before.std()
        p_wave, s_wave = motion[p : min(s, p + 200)].std(0), after.std(0)
        vertical.append(p_wave[2] / p_wave[:2].mean())
        horizontal.append(s_wave[:2].mean() / s_wave[2])
        late = motion[min(s + 1200, 2600) :]
        assert late.std() < after.std()  # the coda decays
    assert np.median(vertical) > 1
    assert np.median(horizontal) > 1


def test_noise_is_coloured_by_station() -> None:
    sites = [earthquakes.station(i, seed=0) for i in range(4)]
    spectra = []
    for site in sites:
        waves = np.stack([earthquakes.noise(site, 2800, 0, i).samples[:, 2] for i in range(6)])
        density = power_density(waves - waves.mean(1, keepdims=True), 40).mean((0, 2))
        assert density[1:4].mean() > 5 * density[90:120].mean()
        spectra.append(density / density.mean())
    for one, other in itertools.pairwise(spectra):
        assert np.abs(np.log(one / other)).max() > 0.5


def test_difficulty_varies(rows: list[dict[str, str]]) -> None:
    decibels = np.array([float(row["snr_db"].strip("[]").split()[2]) for row in local(rows)])
    assert np.percentile(decibels, 10) < 8
    assert np.percentile(decibels, 90) > 20


def test_seed_decides_every_byte(tmp_path: Path) -> None:
    def make(name: str, seed: int, count: int = 6) -> tuple[bytes, bytes]:
        files = tmp_path / f"{name}.hdf5", tmp_path / f"{name}.csv"
        write_synthetic_stead(*files, count=count, seed=seed, npts=1000, stations=2)
        return files[0].read_bytes(), files[1].read_bytes()

    first = make("first", 1)
    assert make("again", 1) == first
    other = make("other", 2)
    assert other[0] != first[0]
    assert other[1] != first[1]
    assert make("longer", 1, count=8)[1].startswith(first[1])


def test_arguments_and_paths(tmp_path: Path) -> None:
    for wrong in ({"count": 1}, {"npts": 999}, {"stations": 0}, {"seed": -1}):
        with pytest.raises(DataError, match="expected count >= 2"):
            write_synthetic_stead(tmp_path / "a.hdf5", tmp_path / "a.csv", **wrong)
    with pytest.raises(DataError, match="two files"):
        write_synthetic_stead(tmp_path / "a", tmp_path / "a")
    with pytest.raises(FileError, match="does not exist"):
        write_synthetic_stead(tmp_path / "a.hdf5", tmp_path / "none" / "a.csv")
    assert list(tmp_path.iterdir()) == []
