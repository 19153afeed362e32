"""The built wheel holds all of the package and runs from an empty folder."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent


def test_the_wheel_is_complete_and_runs_from_an_empty_folder(tmp_path: Path) -> None:
    source = tmp_path / "source"  # so that no build folder is left in the repository
    source.mkdir()
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        if (REPOSITORY / name).exists():
            shutil.copy(REPOSITORY / name, source)
    shutil.copytree(
        REPOSITORY / "tfprune", source / "tfprune", ignore=shutil.ignore_patterns("__pycache__")
    )
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    built = subprocess.run(
        [*pip, "--no-index", "--wheel-dir", str(tmp_path), str(source)],
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("tfprune-*.whl")
    empty = tmp_path / "empty"
    empty.mkdir()
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        archive.extractall(tmp_path / "installed")
    modules = {str(path.relative_to(source)) for path in (source / "tfprune").rglob("*.py")}
    assert modules <= names
    assert {"tfprune/py.typed", "tfprune/report/benchmarks/page.html"} <= names
    done = subprocess.run(
        [sys.executable, "-m", "tfprune.cli", "--help"],
        cwd=empty,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "installed")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "inspect" in done.stdout
