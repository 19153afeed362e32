"""Writes synthetic seismograms in STEAD's own layout, for a demo without a download."""

import csv
import os
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

from tfprune._files import atomic_path
from tfprune.datasets.earthquakes import (
    P_SPEED,
    SAMPLING_RATE,
    Record,
    Station,
    earthquake,
    noise,
    station,
)
from tfprune.datasets.waveforms import GROUP
from tfprune.errors import DataError

_LEAST_NPTS = 1000
_START = np.datetime64("2020-01-01T00:00:00.000")

Row = dict[str, str | float | int]


def write_synthetic_stead(
    hdf5_path: str | os.PathLike[str],
    csv_path: str | os.PathLike[str],
    *,
    count: int = 600,
    seed: int = 0,
    npts: int = 2800,
    stations: int = 24,
) -> None:
    """Writes earthquakes and noise at made-up stations, half of each.

    The HDF5 file holds `data/<trace_name>`, (npts, 3) float32 counts of the east, north and
    vertical components at 100 Hz, with STEAD's attributes; the CSV has STEAD's 35 columns.
    See `tfprune.datasets.earthquakes` for the physics. A trace depends on the seed and its own
    number only, so a larger count keeps the traces of a smaller one.

    Args:
        hdf5_path: the HDF5 file to write; one that stands there is replaced.
        csv_path: the CSV to write; one that stands there is replaced.
        count: number of traces. Defaults to `600`.
        seed: seed of everything random; the same seed writes the same bytes. Defaults to `0`.
        npts: samples a trace. Defaults to `2800`, 28 s; STEAD has 6000.
        stations: number of stations, whose noise differs. Defaults to `24`.

    Raises:
        DataError: fewer than 2 traces, 1000 samples or 1 station; or a negative seed.
        FileError: a path cannot be written to.

    Example:
        >>> import pathlib, tempfile
        >>> from tfprune.datasets import read_catalog
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     paths = pathlib.Path(folder, "s.hdf5"), pathlib.Path(folder, "s.csv")
        ...     write_synthetic_stead(*paths, count=4, npts=1000)
        ...     print(read_catalog(paths[1], paths[0]))
        4 traces: 2 earthquakes, 2 noise
    """
    if count < 2 or npts < _LEAST_NPTS or stations < 1 or seed < 0:
        raise DataError(
            f"expected count >= 2, npts >= {_LEAST_NPTS}, stations >= 1 and seed >= 0, received "
            f"count={count}, npts={npts}, stations={stations}, seed={seed}"
        )
    hdf5, table = Path(hdf5_path), Path(csv_path)
    if hdf5.absolute() == table.absolute():
        raise DataError(f"expected two files to write, received {hdf5} twice")
    with atomic_path(hdf5) as data_file, atomic_path(table) as table_file:
        with h5py.File(data_file, "w") as file:
            group = file.create_group(GROUP)
            rows = list(_write_traces(group, count, seed, npts, stations))
        with table_file.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, fieldnames=list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)


def _write_traces(
    group: h5py.Group, count: int, seed: int, npts: int, stations: int
) -> Iterator[Row]:
    """Writes every trace into the group, and yields its row of the table."""
    sites = [station(number, seed) for number in range(stations)]
    for number in range(count):
        # Two windows, one of each class, at a station before the next one's turn.
        site = sites[number // 2 % stations]
        make = earthquake if number % 2 == 0 else noise
        record = make(site, npts, seed, number)
        row = _describe(site, record, number)
        dataset = group.create_dataset(str(row["trace_name"]), data=record.samples)
        dataset.attrs.update(row)
        yield row


def _describe(site: Station, record: Record, number: int) -> Row:
    """Returns STEAD's columns, in STEAD's order, for one trace."""
    local = record.p_sample is not None
    start = _START + np.timedelta64(number * 600_000, "ms")
    stamp = str(start).replace("-", "").replace("T", "").replace(":", "")[:14]
    name = f"{site.code}.SY_{stamp}_{'EV' if local else 'NO'}"
    return {
        "network_code": "SY",
        "receiver_code": site.code,
        "receiver_type": "HH",
        "receiver_latitude": round(site.latitude, 4),
        "receiver_longitude": round(site.longitude, 4),
        "receiver_elevation_m": round(site.elevation, 1),
        **_describe_source(site, record, name, start),
        "trace_start_time": str(start).replace("T", " "),
        "trace_category": "earthquake_local" if local else "noise",
        "trace_name": name,
    }


_SOURCE_COLUMNS = (
    "p_arrival_sample",
    "p_status",
    "p_weight",
    "p_travel_sec",
    "s_arrival_sample",
    "s_status",
    "s_weight",
    "source_id",
    "source_origin_time",
    "source_origin_uncertainty_sec",
    "source_latitude",
    "source_longitude",
    "source_error_sec",
    "source_gap_deg",
    "source_horizontal_uncertainty_km",
    "source_depth_km",
    "source_depth_uncertainty_km",
    "source_magnitude",
    "source_magnitude_type",
    "source_magnitude_author",
    "source_mechanism_strike_dip_rake",
    "source_distance_deg",
    "source_distance_km",
    "back_azimuth_deg",
    "snr_db",
    "coda_end_sample",
)


def _describe_source(site: Station, record: Record, name: str, start: np.datetime64) -> Row:
    """Returns the columns about the earthquake; empty ones in noise, as STEAD leaves them."""
    row: Row = dict.fromkeys(_SOURCE_COLUMNS, "")
    if record.p_sample is None:
        return row
    return row | _known_source(site, record, name, start)


def _known_source(site: Station, record: Record, name: str, start: np.datetime64) -> Row:
    distance, depth = float(record.distance or 0), float(record.depth or 0)
    azimuth, p_sample = float(record.azimuth or 0), int(record.p_sample or 0)
    level = np.sqrt(distance**2 - depth**2)  # along the surface, km
    north, east = level * np.cos(np.deg2rad(azimuth)), level * np.sin(np.deg2rad(azimuth))
    travel = distance / P_SPEED
    origin = start + np.timedelta64(round(1000 * (p_sample / SAMPLING_RATE - travel)), "ms")
    per_degree = 111.19
    longitude = site.longitude + east / (per_degree * np.cos(np.deg2rad(site.latitude)))
    snr = " ".join(f"{value:.1f}" for value in record.snr or ())
    return {
        "p_arrival_sample": float(p_sample),
        "p_status": "manual",
        "p_weight": 1.0,
        "p_travel_sec": round(travel, 3),
        "s_arrival_sample": float(record.s_sample or 0),
        "s_status": "manual",
        "s_weight": 1.0,
        "source_id": name,
        "source_origin_time": str(origin).replace("T", " "),
        "source_latitude": round(float(site.latitude + north / per_degree), 4),
        "source_longitude": round(float(longitude), 4),
        "source_depth_km": round(depth, 2),
        "source_magnitude": round(float(record.magnitude or 0), 2),
        "source_magnitude_type": "ml",
        "source_distance_deg": round(float(level / per_degree), 4),
        "source_distance_km": round(float(level), 2),
        "back_azimuth_deg": round(azimuth, 1),
        "snr_db": f"[{snr}]",
        "coda_end_sample": f"[[{float(record.coda_end or 0)}]]",
    }
