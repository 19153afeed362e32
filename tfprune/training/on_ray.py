"""Trials in processes of Ray, on this machine or on many."""

import contextlib
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from tfprune.errors import MissingExtraError, WorkerError
from tfprune.training.grid import Settings, told
from tfprune.training.trials import Outcome, run

# For a Ray of our own: it reports nothing home, and hides GPUs from trials that take none.
_SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "1",
}


@contextlib.contextmanager
def running(workers: int | None, address: str | None, cpus: float) -> Iterator[Any]:
    """Ray for the block: one that runs already, one at an address, or one made for the block.

    Args:
        workers: how many trials at a time; None for as many as there is room for.
        address: of a Ray that runs; None for one of its own.
        cpus: processors that a trial takes.

    Yields:
        The module `ray`; None where one worker without an address needs none.

    Raises:
        MissingExtraError: Ray is missing.
        WorkerError: no Ray answers at the address.
    """
    if workers == 1 and address is None:
        yield None
        return
    try:
        import ray
    except ImportError:
        raise MissingExtraError(
            "studies in several processes need Ray: pip install 'tfprune[studies]', or pass "
            "workers=1 to run one trial after another"
        ) from None
    if ray.is_initialized():
        yield ray
        return
    own: dict[str, Any] = {}
    if address is None:
        own["include_dashboard"] = False
        if workers is not None:
            own["num_cpus"] = max(1, round(workers * cpus))
    # What this process can import, those of trials can.
    with _environment({**_SETTINGS, "PYTHONPATH": os.pathsep.join(sys.path)}):
        try:
            ray.init(
                address=address or "local", logging_level=logging.ERROR, log_to_driver=False, **own
            )
        except ConnectionError as error:
            raise _unreachable(address, error) from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _unreachable(address: str | None, error: ConnectionError) -> WorkerError:
    """What to do about a Ray that does not answer; the reason is in what its error came from."""
    reason = str(error)
    if "InvalidAuthToken" in str(error.__cause__):  # Ray says it only in the chain of its errors
        reason += ": it asks for a token; set RAY_AUTH_MODE=token, with its ~/.ray/auth_token here"
    return WorkerError(
        f"expected a Ray cluster at {address!r}, received: {reason}. Start one there with "
        "`ray start --head --port 6379`, or pass address=None for one of this machine's own"
    )


def on_ray(
    ray: Any,
    trial: Callable[..., Any],
    missing: Mapping[Path, Settings],
    workers: int | None,
    each: tuple[float, float],
    seed: int,
) -> Iterator[Outcome]:
    """Runs trials on Ray, and yields each when it is done.

    Args:
        ray: the module, initialised.
        trial: the function.
        missing: the settings of each trial, by its folder.
        workers: how many at a time; None for as many as there is room for.
        each: processors and graphics processors that a trial takes.
        seed: of all chance.
    """
    # The data that a trial refers to are sent once, not with each.
    shared = ray.put(trial)
    task = ray.remote(_timed).options(num_cpus=each[0], num_gpus=each[1])
    waiting = iter(missing.items())
    under_way: dict[Any, Path] = {}
    while True:
        room = (workers or len(missing)) - len(under_way)
        for place, settings in islice(waiting, room):
            under_way[task.remote(shared, dict(settings), place.absolute(), seed)] = place
        if not under_way:
            return
        ready, _ = ray.wait(list(under_way), num_returns=1)
        place = under_way.pop(ready[0])
        yield _outcome(ray, ready[0], place, missing[place])


def _timed(
    trial: Callable[..., Any], settings: Settings, place: Path, seed: int
) -> tuple[dict[str, float], float]:
    begun = time.perf_counter()
    return run(trial, settings, place, seed), time.perf_counter() - begun


def _outcome(ray: Any, reference: Any, place: Path, settings: Settings) -> Outcome:
    try:
        return Outcome(place, *ray.get(reference))
    except ray.exceptions.RayTaskError as error:
        cause = error.cause if isinstance(error.cause, Exception) else error
        if cause is not error:
            cause.__cause__ = error  # which tells where in the other process
        return Outcome(place, {}, 0.0, cause)
    except ray.exceptions.RayError as error:  # Ray has tried it four times
        return Outcome(place, {}, 0.0, _lost(settings, error))


def _lost(settings: Settings, error: Exception) -> WorkerError:
    return WorkerError(
        f"the process of the trial {told(settings)} was lost, or could not load it "
        f"({str(error).splitlines()[0]}): where memory is short try fewer workers"
    )


@contextlib.contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Environment variables as they are to be for the block."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
