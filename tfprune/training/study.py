"""Studies: the same experiment over a grid of settings, each trial kept when it is done."""

import contextlib
import inspect
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from absl import logging

from tfprune._files import write_text
from tfprune._progress import track
from tfprune.errors import PlanError
from tfprune.training.checkpoint import make_folder
from tfprune.training.grid import Plain, Settings, grid, told
from tfprune.training.on_ray import on_ray, running
from tfprune.training.trials import Outcome, here, keep, kept, place_of

FORMAT = "tfprune.study/1"


@dataclass(frozen=True)
class Trial:
    """One trial of a study.

    Attributes:
        settings: what it was called with, by name.
        numbers: what it found, by name.
        seconds: it took, those of an earlier run that was broken off not counted.
    """

    settings: Mapping[str, Plain]
    numbers: Mapping[str, float]
    seconds: float = field(compare=False)


@dataclass(frozen=True)
class Average:
    """Trials that differ in one setting alone; sd is that of a sample (n - 1), None of one.

    Attributes:
        settings: those that they share.
        mean: by name the means of what they found.
        sd: likewise the standard deviations.
        trials: how many they are.
    """

    settings: Mapping[str, Plain]
    mean: Mapping[str, float]
    sd: Mapping[str, float | None]
    trials: int


@dataclass(frozen=True)
class Study:
    """What a study found; print it for the table.

    Attributes:
        trials: in the order that they were asked for.
        seed: of all chance.
    """

    trials: tuple[Trial, ...]
    seed: int

    def averaged(self, over: str) -> tuple[Average, ...]:
        """Mean and deviation over a setting, such as the fold.

        Args:
            over: its name.

        Raises:
            PlanError: trials have no such setting.
        """
        alike: dict[str, list[Trial]] = {}
        for one in self.trials:
            if over not in one.settings:
                raise PlanError(
                    f"expected a setting of the study, one of {', '.join(one.settings)}, "
                    f"received {over!r}"
                )
            rest = {name: value for name, value in one.settings.items() if name != over}
            alike.setdefault(json.dumps(rest), []).append(one)
        return tuple(_average(json.loads(rest), some) for rest, some in alike.items())

    def as_dict(self) -> dict[str, Any]:
        """The study as plain values, for JSON."""
        return {"format": FORMAT, **asdict(self)}

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the study as JSON, whole or not at all.

        Raises:
            FileError: the file cannot be written.
        """
        write_text(path, json.dumps(self.as_dict(), indent=1) + "\n")

    def __str__(self) -> str:
        from tfprune.report.tables import render

        head = [*self.trials[0].settings, *self.trials[0].numbers, "seconds"]
        rows = [
            [
                *map(str, one.settings.values()),
                *map(_short, one.numbers.values()),
                f"{one.seconds:.1f}",
            ]
            for one in self.trials
        ]
        return render(head, rows)


def study(
    trial: Callable[..., Mapping[str, float]],
    over: Mapping[str, Sequence[Plain]] | Sequence[Settings],
    folder: str | os.PathLike[str],
    *,
    workers: int | None = None,
    address: str | None = None,
    cpus: float = 1,
    gpus: float = 0,
    seed: int = 0,
    about: Mapping[str, Any] | None = None,
) -> Study:
    """Runs a trial for each of a grid of settings, several at a time.

    Trials run in processes of Ray (Moritz et al. 2018, arXiv 1712.05889), which is started on this
    machine and stopped at the end, or joined at an address; with `workers=1` one after another in
    this process, without Ray. The numbers are the same: each trial begins with a cleared Keras and
    with Python, numpy and Keras seeded alike.

    Each trial is kept in the folder when it is done. A study that was killed, or given more
    settings, runs those that are missing. A trial gets a folder of its own to keep how far it came,
    such as `checkpoint_dir=folder` of `tfprune.iterate`. One that fails does not stop the others:
    its error is raised when they are done.

    Args:
        trial: a function of the settings by name, and of `folder`, that returns numbers by name.
            With Ray it is sent to other processes, with all that it refers to.
        over: by name the values of each setting, all combinations of which are tried, the last one
            first; or a list of settings. Values are strings, numbers, booleans or None.
        folder: where trials are kept; made if needed. With machines joined, one that all of them
            can read and write.
        workers: how many trials at a time. Defaults to `None`, as many as there is room for.
        address: of a Ray cluster ("auto" for one that runs on this machine, "host:6379",
            "ray://host:10001"). Defaults to `None`, a Ray of its own on this machine.
        cpus: processors that each trial takes. Defaults to `1`.
        gpus: graphics processors that each takes; may be a part of one. Defaults to `0`.
        seed: of all chance, the same in each trial; to try several, make it one of the settings.
            Defaults to `0`.
        about: what else trials depend on (epochs, the data's name), in plain values: a folder in
            which trials were kept with others is refused. Defaults to `None`, nothing.

    Returns:
        The `Study`: `.trials`, `.averaged("fold")`; print it for a table.

    Raises:
        PlanError: settings make no sense, or trials return other things than numbers.
        FileError: a trial in the folder is damaged, or was run in another way.
        MissingExtraError: Ray is missing.
        WorkerError: no Ray answers at the address, or the process of a trial died, again and
            again.

    Example:
        >>> import tempfile
        >>> from tfprune.training import study
        >>> def trial(ratio, fold, folder):
        ...     return {"left": (1 - ratio) * (10 + fold)}
        >>> over = {"ratio": [0.5, 0.75], "fold": [0, 1]}
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     found = study(trial, over, folder, workers=1)
        >>> [one.numbers["left"] for one in found.trials]
        [5.0, 5.5, 2.5, 2.75]
        >>> [one.mean["left"] for one in found.averaged("fold")]
        [5.25, 2.625]
    """
    if not callable(trial):
        raise PlanError(f"expected trial as a function of settings and folder, received {trial!r}")
    _check(workers, cpus, gpus)
    asked = grid(over)
    _check_takes(trial, asked[0])
    root = make_folder(folder)
    missing: dict[Path, Settings] = {}
    done: dict[Path, Trial] = {}
    whole = {"seed": seed, **(about or {})}
    for settings in asked:
        place = place_of(root, settings)
        content = kept(place, settings, whole)
        if content is None:
            missing[place] = settings
        else:
            done[place] = _trial(settings, content)
    failed: dict[str, Exception] = {}
    with contextlib.ExitStack() as stack:
        found: Iterator[Outcome] = iter(())
        if missing:
            ray = stack.enter_context(running(workers, address, cpus))
            if ray is None:
                found = (here(trial, one, place, seed) for place, one in missing.items())
            else:
                found = on_ray(ray, trial, missing, workers, (cpus, gpus), seed)
        for outcome in track(found, f"{len(missing)} trials"):
            settings = missing[outcome.place]
            if outcome.error is None:
                done[outcome.place] = _trial(settings, keep(outcome, settings, whole))
            else:
                failed[told(settings)] = outcome.error
                logging.error("trial %s: %s", told(settings), outcome.error)
    if failed:
        raise _failure(failed, len(asked), root)
    return Study(tuple(done[place_of(root, settings)] for settings in asked), seed)


def _check(workers: Any, cpus: Any, gpus: Any) -> None:
    whole = isinstance(workers, int) and not isinstance(workers, bool) and workers > 0
    if workers is not None and not whole:
        raise PlanError(f"expected workers as a number from 1 up or None, received {workers!r}")
    for name, value, least in (("cpus", cpus, 0), ("gpus", gpus, 0)):
        if isinstance(value, bool) or not isinstance(value, int | float) or value < least:
            raise PlanError(f"expected {name} as a number from {least} up, received {value!r}")


def _check_takes(trial: Callable[..., Any], settings: Settings) -> None:
    try:
        signature = inspect.signature(trial)
    except (TypeError, ValueError):  # some callables in C tell nothing of themselves
        return
    try:
        signature.bind(**settings, folder=Path())
    except TypeError as error:
        raise PlanError(
            f"expected a trial that takes {', '.join(settings)} and folder by name, received "
            f"{getattr(trial, '__name__', trial)}{signature}: {error}"
        ) from None


def _trial(settings: Settings, content: Any) -> Trial:
    return Trial(settings, content["numbers"], content["seconds"])


def _failure(failed: Mapping[str, Exception], count: int, folder: Path) -> Exception:
    """The first error, with what it was and what became of the others."""
    error = next(iter(failed.values()))
    error.add_note(
        f"{len(failed)} of {count} trials failed ({'; '.join(failed)}); the others are kept in "
        f"{folder}, and are not run again"
    )
    return error


def _average(settings: Settings, some: Sequence[Trial]) -> Average:
    values = {name: [one.numbers[name] for one in some] for name in some[0].numbers}
    return Average(
        settings,
        {name: fmean(found) for name, found in values.items()},
        {name: stdev(found) if len(found) > 1 else None for name, found in values.items()},
        len(some),
    )


def _short(number: float) -> str:
    return f"{number:,}" if isinstance(number, int) else f"{number:.4f}"
