"""Progress is shown to those who watch, once."""

import io
from types import SimpleNamespace

import pytest

from tfprune import _progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def displays(monkeypatch):
    """How many displays are open at once, at most."""
    import rich.progress

    found = {"open": 0, "most": 0}

    class Counted(rich.progress.Progress):
        def __enter__(self):
            found["open"] += 1
            found["most"] = max(found["most"], found["open"])
            return super().__enter__()

        def __exit__(self, *details):
            found["open"] -= 1
            return super().__exit__(*details)

    monkeypatch.setattr(rich.progress, "Progress", Counted)
    monkeypatch.setattr(_progress, "sys", SimpleNamespace(stderr=Terminal()))
    return found


def test_work_within_work_is_shown_once(displays):
    seen = [
        (outer, inner)
        for outer in _progress.track(range(2), "outer")
        for inner in _progress.track(range(2), "inner")
    ]
    assert seen == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert displays == {"open": 0, "most": 1}
    assert list(_progress.track([3], "after")) == [3]


def test_work_that_fails_is_shown_no_more(displays):
    def fail():
        yield 1
        raise ValueError("broken")

    for _ in range(2):
        with pytest.raises(ValueError, match="broken"):
            list(_progress.track(fail(), "failing"))
    assert displays == {"open": 0, "most": 1}
