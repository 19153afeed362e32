"""The notebooks run as they are, offline."""

from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent.parent / "colab"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def check_quickstart(folder: Path, printed: str) -> None:
    assert "relative error" in printed
    assert (folder / "small_int8.tflite").exists()
    sizes = [(folder / f"{name}.tflite").stat().st_size for name in ("original", "small")]
    assert sizes[1] < 0.5 * sizes[0]


def check_earthquake(folder: Path, printed: str) -> None:
    error = float(printed.split("masked original: ")[1].split()[0])
    assert error < 1e-5
    assert "detections in 230 s of record" in printed
    sizes = [(folder / f"{name}.tflite").stat().st_size for name in ("unpruned", "pruned_int8")]
    assert sizes[1] < 0.03 * sizes[0]
    # So few images leave the threshold to chance, not the order.
    assert float(printed.split("listener.tflite: ")[1].split("AUC ")[1].split()[0]) > 0.8
    assert (folder / "detections.png").exists()


def check_inspection(folder: Path, printed: str) -> None:
    assert float(printed.split("unpruned: ")[1].split()[0]) > 0.7
    assert float(printed.split(" times fewer MACs")[0].split()[-1]) > 1.5
    assert float(printed.split("pruned_int8.tflite: accuracy ")[1].split()[0]) > 0.7
    assert float(printed.split("red: ")[1].split()[0]) > 0.5
    assert (folder / "wall_map.png").exists()


def check_scenes(folder: Path, printed: str) -> None:
    assert float(printed.split("unpruned: ")[1].split()[0]) > 0.7
    assert float(printed.split("masked original: ")[1].split()[0]) < 1e-5
    assert float(printed.split(" % of the MACs saved")[0].split()[-1]) > 20
    assert float(printed.split("pruned_int8.tflite: accuracy ")[1].split()[0]) > 0.7
    assert printed.split("heard: ")[1].split()[:3] == ["hall", "traffic", "rain"]
    assert (folder / "listener.tflite").exists()


CHECKS = {
    "quickstart": check_quickstart,
    "earthquake": check_earthquake,
    "inspection": check_inspection,
    "scenes": check_scenes,
}


def test_every_notebook_is_checked() -> None:
    assert {path.stem for path in NOTEBOOKS} == set(CHECKS)


@pytest.mark.once
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nbformat = pytest.importorskip("nbformat", reason="pip install 'tfprune[dev]'")
    nbclient = pytest.importorskip("nbclient", reason="pip install 'tfprune[dev]'")
    monkeypatch.delenv("COLAB_RELEASE_TAG", raising=False)
    # The kernel is a process of its own: it must find the package that is tested.
    monkeypatch.setenv("PYTHONPATH", str(FOLDER.parent))
    notebook = nbformat.read(path, as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells), "clear all outputs"
    client = nbclient.NotebookClient(
        notebook, timeout=900, resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    printed = "".join(
        output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", [])
    )
    CHECKS[path.stem](tmp_path, printed)
