"""The device's runner as a module; it is no part of the package."""

import importlib.util
from pathlib import Path
from types import ModuleType

RUN = Path(__file__).resolve().parent.parent / "tflite_models" / "run.py"


def load_run() -> ModuleType:
    """Returns `tflite_models/run.py`, loaded."""
    spec = importlib.util.spec_from_file_location("device_run", RUN)
    if spec is None or spec.loader is None:
        raise ImportError(f"expected the runner at {RUN}: run from a checkout")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
