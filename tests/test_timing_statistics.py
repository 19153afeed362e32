"""Figures of timings, against numpy and closed forms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfprune.timing.statistics import ratio_interval, summarize

TIMES = st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=40)


@given(TIMES)
def test_summary_is_numpys(times):
    figures = summarize(times)
    assert figures.median == pytest.approx(np.median(times))
    assert figures.p10 == pytest.approx(np.percentile(times, 10))
    assert figures.p90 == pytest.approx(np.percentile(times, 90))
    spread = (np.percentile(times, 75) - np.percentile(times, 25)) / np.median(times)
    assert figures.spread == pytest.approx(spread)


@given(TIMES, st.floats(0.1, 10))
def test_a_constant_ratio_is_found_whatever_the_drift(base, factor):
    ratio = ratio_interval([time * factor for time in base], base, resamples=50)
    assert ratio.low == pytest.approx(factor)
    assert ratio.middle == pytest.approx(factor)
    assert ratio.high == pytest.approx(factor)


def test_the_interval_holds_the_true_ratio_about_as_often_as_it_says():
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(200):
        base, other = rng.lognormal(np.log(3), 0.1, 60), rng.lognormal(0, 0.1, 60)
        ratio = ratio_interval(base, other, resamples=400)
        held += ratio.low <= 3 <= ratio.high
    assert 180 <= held <= 200


def test_the_interval_is_seeded():
    rng = np.random.default_rng(1)
    base, other = rng.random(30) + 1, rng.random(30) + 1
    assert ratio_interval(base, other) == ratio_interval(base, other)
