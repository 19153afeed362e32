"""Schedules: from nothing to all, never back, and what their formulas say."""

import math
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfprune.errors import PlanError
from tfprune.planning.schedules import (
    constant,
    cosine,
    exponential,
    linear,
    one_shot,
    polynomial,
)

SHAPES = (linear, polynomial, exponential, cosine)
shares = st.floats(0, 1)


@pytest.mark.parametrize("shape", SHAPES)
@given(ends=st.tuples(shares, shares), moments=st.tuples(shares, shares))
def test_from_nothing_to_all_and_never_back(shape, ends, moments):
    begin, end = sorted(ends)
    earlier, later = sorted(moments)
    schedule = shape(begin, end)
    assert 0 <= schedule(earlier) <= schedule(later) + 1e-12 <= 1 + 1e-12
    assert schedule(end) == schedule(1.0) == 1.0
    assert schedule(math.nextafter(begin, -1)) == 0.0


@given(begin=shares, progress=shares)
def test_one_shot_is_all_or_nothing(begin, progress):
    assert one_shot(begin)(progress) == float(progress >= begin)


@given(progress=shares)
def test_constant_does_not_change(progress):
    assert constant(0.25)(progress) == 0.25


@pytest.mark.parametrize("step", [0, 3, 10, 15, 20, 40])
@pytest.mark.parametrize("power", [1, 3])
def test_polynomial_is_that_of_tfmot(step, power):
    """Its code clips to 0..1 the time from begin_step to end_step, and computes this."""
    initial, final, begin_step, end_step, steps = 0.2, 0.8, 4, 20, 40
    time = min(1.0, max(0.0, (step - begin_step) / (end_step - begin_step)))
    expected = (initial - final) * (1 - time) ** power + final if step >= begin_step else 0.0
    schedule = polynomial(begin_step / steps, end_step / steps, power, initial / final)
    assert final * schedule(step / steps) == pytest.approx(expected)


def test_cosine_is_half_way_in_the_middle():
    assert cosine(0.2, 0.6)(0.4) == pytest.approx(0.5)


def test_exponential_leaves_less_by_the_same_factor():
    schedule = exponential(0, 1, rate=2.0)
    speeds = [schedule(time + 0.1) - schedule(time) for time in (0.0, 0.3, 0.6)]
    assert speeds[1] / speeds[0] == pytest.approx(speeds[2] / speeds[1])
    assert schedule(1e-9) > 0


@pytest.mark.parametrize("shape", [constant, one_shot, *SHAPES])
def test_a_schedule_travels_between_processes(shape):
    schedule = shape()
    assert pickle.loads(pickle.dumps(schedule))(0.3) == schedule(0.3)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: linear(0.7, 0.3), "begin <= end"),
        (lambda: cosine(-0.1, 0.3), "begin <= end"),
        (lambda: one_shot(1.1), "begin <= end"),
        (lambda: exponential(0.0, math.nan), "begin <= end"),
        (lambda: polynomial(power=0.0), "power above 0"),
        (lambda: polynomial(initial=1.5), "initial in"),
        (lambda: exponential(rate=-1.0), "rate above 0"),
        (lambda: constant(0.0), "share of the ratio"),
    ],
)
def test_what_makes_no_sense_is_refused(make, message):
    with pytest.raises(PlanError, match=message):
        make()
