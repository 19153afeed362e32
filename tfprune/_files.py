"""Files written whole or not at all."""

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tfprune.errors import FileError


@contextlib.contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yields a temporary path beside `path`, which takes its place if the block succeeds.

    Where the block raises, the temporary file is removed and whatever stood at `path` before
    is untouched.

    Args:
        path: where the finished file is to stand. The temporary path keeps its suffix, since
            some writers (Keras's among them) choose the format by it.

    Raises:
        FileError: the folder does not exist or cannot be written to.
    """
    target = Path(path)
    check_writable(target)
    handle, name = tempfile.mkstemp(
        dir=target.parent, prefix=f".{target.stem}-", suffix=target.suffix
    )
    os.close(handle)
    temporary = Path(name)
    try:
        with _full_disks_named(target):
            yield temporary
        # mkstemp makes files only their owner can read; a finished file follows the umask.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yields a temporary folder beside `path`, which takes its place if the block succeeds.

    Where the block raises, the temporary folder is removed and a folder that stood at `path`
    before is untouched.

    Args:
        path: where the finished folder is to stand.

    Raises:
        FileError: the folder around it does not exist or cannot be written to, or a file stands
            at `path`.
    """
    target = Path(path)
    check_folder(target)
    temporary = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}-"))
    retired = temporary.with_name(temporary.name + "-old")
    try:
        with _full_disks_named(target):
            yield temporary
        # mkdtemp makes folders only their owner can read; a finished one follows the umask.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o777 & ~umask)
        if target.exists():
            target.replace(retired)  # a folder that is not empty cannot be replaced in one step
        temporary.replace(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(retired, ignore_errors=True)


def check_folder(path: str | os.PathLike[str]) -> None:
    """Raises `FileError` now if a folder could not be written at `path` later."""
    target = Path(path)
    if target.exists() and not target.is_dir():
        raise FileError(f"expected a folder to write, but {target} is a file: name another")
    check_writable(target / "any" if target.is_dir() else target)


@contextlib.contextmanager
def _full_disks_named(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT) or isinstance(error, FileError):
            raise
        raise FileError(
            f"cannot write {target}: the disk is full; nothing was left there, make room and try "
            "again"
        ) from error


def check_writable(path: str | os.PathLike[str]) -> None:
    """Raises `FileError` now if `path` could not be written later, before long work starts."""
    target = Path(path)
    if target.is_dir():
        raise FileError(
            f"expected a file to write, received the folder {target}: name a file in it"
        )
    if not target.parent.is_dir():
        raise FileError(f"cannot write {target}: the folder {target.parent} does not exist")
    if not os.access(target.parent, os.W_OK):
        raise FileError(f"cannot write {target}: no permission in the folder {target.parent}")


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Writes `text` to `path`, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
