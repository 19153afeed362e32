"""What the recipes share: scores, spreads, stages, and the registry of recipes."""

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tfprune import cli
from tfprune.commands import recipe
from tfprune.commands._common import Outcome
from tfprune.errors import DataError, FileError, MissingExtraError
from tfprune.recipes.common import running
from tfprune.recipes.common.accuracy import Accuracy
from tfprune.recipes.common.page import markdown_table
from tfprune.recipes.common.scores import roc, score
from tfprune.recipes.common.spread import spread
from tfprune.recipes.common.stages import Stages


def drawn(classes: int, count: int = 90) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    labels = np.arange(count) % classes
    answers = rng.random((count, classes)) + 0.5 * np.eye(classes)[labels]
    return (answers / answers.sum(1, keepdims=True)).astype(np.float32), labels


def test_two_classes_are_scored_by_the_counts() -> None:
    answers, labels = drawn(2)
    found = score(answers, labels)
    (quiet, alarms), (missed, finds) = found.confusion
    assert quiet + alarms == missed + finds == 45
    assert found.accuracy == Accuracy(quiet + finds, 90)
    assert found.precision == pytest.approx(finds / (finds + alarms))
    assert found.recall == pytest.approx(finds / 45)
    assert found.f1 == pytest.approx(2 * finds / (2 * finds + alarms + missed))
    assert {name: one.share for name, one in found.counted().items()} == pytest.approx(
        {"accuracy": found.accuracy.share, "precision": found.precision, "recall": found.recall}
    )
    # The area is the share of pairs in the right order.
    ones, zeros = answers[labels == 1, 1], answers[labels == 0, 1]
    assert found.auc == pytest.approx((ones[:, None] > zeros).mean())
    false_alarms, true_finds = roc(answers, labels)
    steps = np.diff(false_alarms) * (true_finds[1:] + true_finds[:-1]) / 2
    assert steps.sum() == pytest.approx(found.auc)


def test_more_classes_are_averaged() -> None:
    answers, labels = drawn(3)
    found = score(answers, labels)
    table = np.array(found.confusion)
    assert table.shape == (3, 3)
    assert found.recall == pytest.approx((np.diag(table) / table.sum(1)).mean())
    assert 0.5 < found.auc < 1


def test_what_cannot_be_scored() -> None:
    answers, labels = drawn(2)
    with pytest.raises(DataError, match="none of"):
        score(answers, np.zeros(90, int))
    with pytest.raises(DataError, match="n labels"):
        score(answers, labels[:-1])


def test_a_missing_library_is_named_before_the_work(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.metrics", None)
    with pytest.raises(MissingExtraError, match="pip install"):
        score(*drawn(2))
    monkeypatch.setitem(sys.modules, "scipy.stats", None)
    with pytest.raises(MissingExtraError, match="pip install"):
        spread([1.0])
    monkeypatch.setitem(sys.modules, "sklearn", None)
    assert cli.main(["recipe", "earthquake", "--output", str(tmp_path / "run")]) == 1
    assert "pip install 'tfprune[recipes]'" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_the_interval_of_a_mean_covers_it() -> None:
    rng = np.random.default_rng(0)
    covered = [
        found.low < 3 < found.high for found in (spread(rng.normal(3, 2, 5)) for _ in range(400))
    ]
    assert 0.92 < np.mean(covered) < 0.98
    alone = spread([0.5])
    assert (alone.mean, alone.sd, alone.count) == (0.5, 0, 1)
    assert np.isnan(alone.low)
    with pytest.raises(DataError, match="received none"):
        spread([])


def test_stages_are_run_once_and_for_one_experiment(tmp_path: Path) -> None:
    calls: list[str] = []

    def compute() -> dict[str, Any]:
        calls.append("a")
        return {"value": len(calls)}

    stages = Stages(tmp_path / "run", {"seeds": 5, "sizes": (1, 2)})
    assert stages.done("seed0/a") is None
    assert stages.run("seed0/a", compute)["value"] == 1
    again = Stages(tmp_path / "run", {"seeds": 5, "sizes": [1, 2]})
    assert again.run("seed0/a", compute)["value"] == 1
    assert calls == ["a"]
    with pytest.raises(FileError, match=r"other settings \(seeds\)"):
        Stages(tmp_path / "run", {"seeds": 4, "sizes": (1, 2)})

    def interrupted() -> dict[str, Any]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        again.run("b", interrupted)
    assert again.run("b", compute)["value"] == 2
    (tmp_path / "run" / "b.json").write_text("{")
    with pytest.raises(FileError, match="remove it"):
        again.done("b")
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(FileError, match="cannot make the folder"):
        Stages(blocked, {})


def test_a_bar_in_a_cell_does_not_split_it() -> None:
    assert markdown_table(["a|b"], [["c"]]).splitlines() == ["| a\\|b |", "|---|", "| c |"]


@pytest.mark.parametrize("line", ["recipe --debug known", "recipe known --debug", "recipe known"])
def test_recipes_are_sub_commands(
    line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = []

    def run(options: Any) -> Outcome:
        seen.append(options.debug)
        return Outcome("a table", {"value": 1})

    known = SimpleNamespace(
        SUMMARY="known",
        add_arguments=lambda parser: parser.add_argument("--json", action="store_true"),
        run=run,
    )
    monkeypatch.setitem(recipe.RECIPES, "known", known)  # type: ignore[misc]
    assert cli.main(line.split()) == 0
    assert seen == ["--debug" in line]
    assert capsys.readouterr().out == "a table\n"
    with pytest.raises(SystemExit):
        cli.main(["recipe", "unknown"])


def test_processes_share_a_folder_and_wait_for_each_other(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(running, "_PAUSE", 0.01)
    stages, made = Stages(tmp_path, {}), []

    def stage(name: str) -> running.Stage:
        return name, lambda: {"number": made.append(name) or len(made)}

    every = [stage(name) for name in ("a/first", "a/second", "b/first", "b/second")]
    with ThreadPoolExecutor(1) as other:
        with Stages(tmp_path, {}).claimed("a") as mine:
            assert mine
            waiting = other.submit(running.run_all, stages, every, float("inf"), "parts")
            while len(made) < 2:
                time.sleep(0.01)
            assert made == ["b/first", "b/second"]
            stages.run(*stage("a/first"))
            assert not waiting.done()
        assert waiting.result()
    assert made == ["b/first", "b/second", "a/first", "a/second"]
    assert not running.run_all(stages, [stage("c/first")], -1, "parts")
