"""The notebooks run as they are, offline."""

from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent.parent / "colab"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def test_there_are_some():
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook(path, tmp_path, monkeypatch):
    nbformat = pytest.importorskip("nbformat", reason="pip install 'tfprune[dev]'")
    nbclient = pytest.importorskip("nbclient", reason="pip install 'tfprune[dev]'")
    monkeypatch.delenv("COLAB_RELEASE_TAG", raising=False)
    # The kernel is a process of its own: it must find the package that is tested.
    monkeypatch.setenv("PYTHONPATH", str(FOLDER.parent))
    notebook = nbformat.read(path, as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells), "clear all outputs"
    client = nbclient.NotebookClient(
        notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    printed = "".join(
        output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", [])
    )
    assert "relative error" in printed
    assert (tmp_path / "small_int8.tflite").exists()
    sizes = [(tmp_path / f"{name}.tflite").stat().st_size for name in ("original", "small")]
    assert sizes[1] < 0.5 * sizes[0]
