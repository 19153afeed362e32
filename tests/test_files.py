"""Files appear whole or not at all."""

import errno
import os
import stat
from pathlib import Path

import pytest

from tfprune._files import atomic_path, check_writable, write_text
from tfprune.errors import FileError, TfpruneError


def test_a_finished_file_takes_its_place_under_its_own_suffix(tmp_path: Path) -> None:
    target = tmp_path / "model.keras"
    with atomic_path(target) as temporary:
        assert temporary.suffix == ".keras"
        assert temporary.parent == tmp_path
        temporary.write_bytes(b"whole")
        assert not target.exists()
    assert target.read_bytes() == b"whole"
    assert os.listdir(tmp_path) == ["model.keras"]


def _write_half(target: Path, error: BaseException) -> None:
    with atomic_path(target) as temporary:
        temporary.write_text("half")
        raise error


def test_a_failure_leaves_what_stood_there_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "plan.json"
    target.write_text("before")
    with pytest.raises(RuntimeError, match="half way"):
        _write_half(target, RuntimeError("half way"))
    assert target.read_text() == "before"
    assert os.listdir(tmp_path) == ["plan.json"]


def test_a_full_disk_is_a_named_error(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"x\.bin: the disk is full"):
        _write_half(tmp_path / "x.bin", OSError(errno.ENOSPC, "No space left on device"))
    with pytest.raises(OSError, match="Input/output"):
        _write_half(tmp_path / "x.bin", OSError(errno.EIO, "Input/output error"))
    assert os.listdir(tmp_path) == []


def test_an_interruption_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        _write_half(tmp_path / "x.bin", KeyboardInterrupt())
    assert os.listdir(tmp_path) == []


def test_permissions_follow_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_text(tmp_path / "a.txt", "text")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o640


def test_text_is_utf_8(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "Δt ≤ 1 µs")
    assert (tmp_path / "a.txt").read_bytes().decode("utf-8") == "Δt ≤ 1 µs"


def test_paths_that_cannot_be_written_are_refused_before_work_starts(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path, reason in (
        (tmp_path, "received the folder"),
        (tmp_path / "missing" / "a.txt", "does not exist"),
        (tmp_path / "file" / "a.txt", "does not exist"),
    ):
        with pytest.raises(FileError, match=reason):
            check_writable(path)
        with pytest.raises(FileError, match=reason), atomic_path(path):
            pytest.fail("the block ran")


def test_a_folder_without_permission_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write anywhere
    with pytest.raises(FileError, match="no permission"):
        check_writable(tmp_path / "a.txt")


def test_file_errors_are_caught_as_either_kind() -> None:
    assert issubclass(FileError, OSError)
    assert issubclass(FileError, TfpruneError)
    assert str(FileError("one line")) == "one line"
