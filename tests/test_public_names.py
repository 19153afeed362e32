"""The public names: each is there, each is what it says, and none loads before its time."""

import inspect
import subprocess
import sys
from types import ModuleType

import pytest

import tfprune

ROOMS = ("callbacks", "convert", "criteria", "datasets", "latency", "models", "training")


@pytest.mark.parametrize("name", tfprune.__all__)
def test_every_public_name_loads_and_is_documented(name: str) -> None:
    value = getattr(tfprune, name)
    if name == "__version__":
        assert isinstance(value, str)
    elif name in ROOMS:
        assert isinstance(value, ModuleType)
        assert value.__doc__
    else:
        assert callable(value)
        assert inspect.getdoc(value)


def test_a_room_never_hides_a_function_of_its_name() -> None:
    # Importing a submodule sets an attribute on its parent: `tfprune.plan` must stay a function.
    for name in ("trace", "plan", "prune", "rebuild", "verify", "cost", "benchmark", "iterate"):
        assert not isinstance(getattr(tfprune, name), ModuleType)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'shrink'"):
        _ = tfprune.shrink


def test_names_are_listed() -> None:
    assert dir(tfprune) == sorted(tfprune.__all__)


def test_importing_the_package_loads_no_keras() -> None:
    script = (
        "import sys, tfprune; sys.stdout.write(repr({'keras', 'tensorflow', 'numpy', 'h5py'}"
        " & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "set()"), done.stderr


def test_converters_load_when_they_are_asked_for() -> None:
    names = {name: getattr(tfprune.convert, name) for name in tfprune.convert.__all__}
    assert all(inspect.getdoc(value) for value in names.values())
    with pytest.raises(AttributeError, match="no attribute 'to_paper'"):
        _ = tfprune.convert.to_paper
    script = (
        "import sys, tfprune.convert.metadata; "
        "sys.stdout.write(repr({'keras', 'tensorflow'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "set()"), done.stderr
