"""The runner that is sent to a device: one file, which needs numpy and LiteRT there."""

import zipfile
from pathlib import Path

import tfprune

_ROOT = ("__init__", "_meters", "_silence", "_tflite", "errors")
_TIMING = (
    *("__init__", "cold", "conditions", "device_runner", "gather", "hosting", "job", "joules"),
    *("machine", "pinning", "raw", "turns", "worker"),
)
_RUNTIMES = (
    *("__init__", "choice", "compiled", "inputs", "interpreter", "keras_model"),
    *("keras_tensorflow", "onnx_file", "protocol", "saved_model"),
)
_MAIN = """\
import sys
if sys.version_info < (3, 10):
    sys.exit("the runner needs Python 3.10 or newer, this is " + sys.version.split()[0])
from tfprune.timing.device_runner import main
main(sys.argv[1], sys.argv[2])
"""


def modules() -> list[str]:
    """Returns the files that go into the runner, by their place below the package's folder."""
    return [
        *(f"tfprune/{name}.py" for name in _ROOT),
        *(f"tfprune/timing/{name}.py" for name in _TIMING),
        *(f"tfprune/timing/runtimes/{name}.py" for name in _RUNTIMES),
    ]


def write_runner(path: Path) -> Path:
    """Writes the runner, a zip archive that Python runs: `python3 runner.pyz JOB RESULT`."""
    home = Path(tfprune.__path__[0]).parent
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("__main__.py", _MAIN)
        for name in modules():
            archive.write(home / name, name)
    return path
