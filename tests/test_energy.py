"""What fine-tuning takes, and fine-tuning on less."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfprune._meters import Zeus
from tfprune.errors import DataError, PlanError
from tfprune.training import accounted, stratified
from tfprune.training.energy import energy_of


class Meter:
    """Counts what it is told."""

    def __init__(self, **counted: float) -> None:
        self.counted = counted
        self.began = False

    def begin(self) -> None:
        self.began = True

    def end(self) -> dict[str, float]:
        return self.counted


def test_the_published_figure():
    """SEEDS of the acoustic scenes: 250 W for 48 hours are 12 kWh, 5.18 kg, 13 miles."""
    found = energy_of(48 * 3600, {})
    assert found.joules / 3.6e6 == pytest.approx(12)
    assert found.kg_co2 == pytest.approx(5.184)
    assert found.miles == pytest.approx(13.03, abs=0.01)
    assert not found.measured
    assert "estimated (250 W x seconds)" in str(found)


def test_counters_go_before_the_formula():
    meter = Meter(**{"GPU 0": 3.0e6, "CPU 0": 0.6e6})
    with accounted(meter=meter, kg_per_kwh=0.5) as account:
        assert meter.began
        assert account.energy is None
    found = account.energy
    assert found.joules == pytest.approx(3.6e6)
    assert found.kg_co2 == pytest.approx(0.5)
    assert (found.measured, found.method) == (True, "CPU 0, GPU 0")
    assert found.as_dict()["seconds"] == found.seconds


def test_counters_that_count_nothing():
    with accounted(watts=100, meter=Meter()) as account:
        pass
    assert account.energy.method == "100 W x seconds"
    assert account.energy.joules == pytest.approx(100 * account.energy.seconds)


def test_failed_work_is_accounted_for_too():
    with pytest.raises(ValueError, match="lost"), accounted(meter=Meter(CPU=5.0)) as account:
        raise ValueError("lost")
    assert account.energy.joules == 5


@pytest.mark.parametrize("settings", [{"watts": 0}, {"watts": "much"}, {"kg_per_kwh": -1.0}])
def test_energy_of_nothing(settings):
    with pytest.raises(PlanError, match="above 0"), accounted(**settings):
        pass


@given(
    counts=st.lists(st.integers(1, 30), min_size=1, max_size=5),
    share=st.floats(0.01, 1.0),
    seed=st.integers(0, 5),
)
def test_each_class_gives_its_share(counts, share, seed):
    y = np.repeat(np.arange(len(counts)), counts)
    x = {"a": np.arange(len(y)), "b": np.arange(len(y)) * 2}
    found, labels = stratified(x, y, share, seed)
    for one, count in enumerate(counts):
        assert (labels == one).sum() == max(1, round(share * count))
    np.testing.assert_array_equal(found["b"], 2 * found["a"])
    np.testing.assert_array_equal(y[found["a"]], labels)
    assert len(set(found["a"].tolist())) == len(labels)


def test_one_hot_rows_are_classes():
    y = np.repeat([0, 1, 2], 10)
    rows = keras.utils.to_categorical(y)
    numbers, hot = stratified(y, y, 0.5), stratified(rows, rows, 0.5)
    np.testing.assert_array_equal(numbers[1], hot[1].argmax(axis=1))


@pytest.mark.parametrize(
    ("x", "y", "share"),
    [
        (np.zeros(3), np.zeros(2), 0.5),
        (np.zeros(0), np.zeros(0), 0.5),
        ([np.zeros(3), np.zeros(2)], np.zeros(3), 0.5),
        (np.zeros(3), np.zeros(3), 0),
        (np.zeros(3), np.zeros(3), 1.5),
        (np.zeros(3), np.zeros(3), True),
        (np.zeros(3), 4, 0.5),
    ],
)
def test_what_cannot_be_drawn(x, y, share):
    with pytest.raises(DataError, match="expected"):
        stratified(x, y, share)


def test_what_zeus_reads():
    window = SimpleNamespace(gpu_energy={0: 2.0}, cpu_energy={0: 1.0, 1: 0.5}, dram_energy=None)
    monitor = SimpleNamespace(begin_window=lambda name: None, end_window=lambda name: window)
    with accounted(meter=Zeus(monitor)) as account:
        pass
    assert account.energy.joules == pytest.approx(3.5)
    assert account.energy.method == "CPU 0, CPU 1, GPU 0"
