"""The scenes recipe on made-up sounds: its nets, the command, and going on where it stopped."""

import json
from pathlib import Path

import numpy as np
import pytest

from tfprune.cli import main
from tfprune.errors import DataError
from tfprune.recipes.scenes import nets, page, paper, study
from tfprune.recipes.scenes.settings import LAYERS, Settings

soundfile = pytest.importorskip("soundfile")
RATE = 8000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tones in noise, one pitch for each class, a second each."""
    root, draw = tmp_path_factory.mktemp("sounds"), np.random.default_rng(0)
    time = np.arange(RATE) / RATE
    for name, pitch in (("high", 2000), ("low", 300)):
        (root / name).mkdir()
        for number in range(10):
            tone = np.sin(2 * np.pi * pitch * time) + draw.normal(0, 0.3, RATE)
            soundfile.write(root / name / f"{number}.wav", 0.2 * tone, RATE)
    return root


def test_the_command_goes_on_where_it_stopped(folder, tmp_path, monkeypatch, capsys) -> None:
    every = nets.nets()
    wanted = "C2", "C1+C2+C3", "l1", "ours_50"
    monkeypatch.setattr(study, "nets", lambda: tuple(net for net in every if net.key in wanted))
    line = ["recipe", "scenes", "--data", str(folder), "--folds", "1", "--seeds", "1"]
    line += ["--epochs", "2", "--tune_epochs", "1", "--json", "--output", str(tmp_path / "out")]

    def interrupted(*given: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(nets, "_within", interrupted)
        assert main(line) == 130
    place = tmp_path / "out" / "seed0" / "fold0"
    before = {file: file.stat().st_mtime_ns for file in place.glob("*.json")}
    assert place / "unpruned.json" in before
    capsys.readouterr()
    assert main([*line, "--page", str(tmp_path / "page.md")]) == 0
    assert all(file.stat().st_mtime_ns == time for file, time in before.items())
    document = json.loads(capsys.readouterr().out)
    assert document["done"]
    (whole,), (c2,) = document["nets"]["unpruned"], document["nets"]["C2"]
    assert whole["macs"] == 286_637_000  # two classes, not ten
    assert c2["oracle"] < 1e-5
    assert c2["kept"]["conv1"] == 16
    assert c2["kept"]["conv2"] < 16
    (l1,), (every_layer,) = document["nets"]["l1"], document["nets"]["C1+C2+C3"]
    assert l1["kept"] == every_layer["kept"]
    (ours,) = document["nets"]["ours_50"]
    assert ours["macs"] <= 0.5 * whole["macs"]
    assert set(c2["files"]) == {"float32", "float16", "int8"}
    text = (tmp_path / "page.md").read_text()
    assert "| cosine, C2 |" in text
    assert "| 27.2 | 46.5 | 27.4 | 29.5 |" in text
    assert json.loads((tmp_path / "page.json").read_text()) == document


def test_the_page_tells_means_and_what_is_lost() -> None:
    def entries(*values: float, before: float | None = None) -> list[dict[str, object]]:
        shared = {"before": before, "parameters": 100, "macs": 5e6}
        return [{"accuracy": value, **shared} for value in values]

    found = {"unpruned": entries(0.8, 0.9), "C1+C2+C3": entries(0.7, 0.8, before=0.3)}
    found["C1+C2+C3_75"] = entries(0.6, 0.7, before=0.3)
    titles = {key: key for key in found}
    text = page.write_page(found, titles, Settings(), "clips", "a command", False)
    assert "| 30.0 % | 75.0 (7.1) | 10.0 (10.0 to 10.0) |" in text
    assert "| 75 % | 65.0 (7.1) | - | - | 44.2 | 43.1 | 44.0 |" in text
    assert "| 0 % | 30.0 (0.0) |" in text
    assert "Not all of it is done" in text


def test_every_layer_set_of_the_paper_is_run() -> None:
    assert {"unpruned", *LAYERS} == set(paper.PRUNED)
    keys = {net.key for net in nets.nets()}
    assert set(LAYERS) <= keys
    assert {f"l1_{share}" for share in paper.SHARES if 0 < share < 100} <= keys
    with pytest.raises(DataError, match="counts of 1 or more"):
        Settings(epochs=0)
