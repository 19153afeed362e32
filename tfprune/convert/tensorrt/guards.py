"""What must be there before TensorRT is asked for anything, each with its own message.

TensorFlow answers most of these with one text, and one of them by ending the process.
"""

import ctypes
import re
from typing import Any

from tfprune.errors import ConversionError

PRECISIONS = ("FP32", "FP16", "INT8")
_OTHER_ROADS = (
    "use tfprune.convert.to_onnx, then tfprune.convert.to_tensorrt or ONNX Runtime on the GPU"
)


def check_precision(precision: str) -> None:
    """Raises `ConversionError` for any precision but "FP32", "FP16" and "INT8"."""
    if precision not in PRECISIONS:
        raise ConversionError(
            f"expected precision to be one of {list(PRECISIONS)}, received {precision!r}"
        )


def check_tftrt() -> None:
    """Raises `ConversionError` where this TensorFlow cannot run TF-TRT, with the reason."""
    import tensorflow as tf

    check_version(tf.__version__)
    check_build(tf.sysconfig.get_build_info(), tf.__version__)
    check_library(tf.sysconfig.get_build_info())
    check_gpu(tf.config.list_physical_devices("GPU"))


def check_version(version: str) -> None:
    """TF-TRT left TensorFlow with 2.18."""
    major, minor = (int(part) for part in re.findall(r"\d+", version)[:2])
    if (major, minor) >= (2, 18):
        raise ConversionError(
            f"TF-TRT was taken out of TensorFlow with 2.18, and this is {version}: {_OTHER_ROADS}; "
            "or install TensorFlow 2.17: pip install 'tfprune[trt]'"
        )


def check_build(build: Any, version: str) -> None:
    """Not every wheel of 2.17 has TensorRT compiled in: those for Macs and ARM have not."""
    if not build.get("is_tensorrt_build", False):
        raise ConversionError(
            f"this build of TensorFlow {version} has no TensorRT compiled in: expected the wheel "
            f"for Linux on x86_64; or {_OTHER_ROADS}"
        )


def check_library(build: Any) -> None:
    """The user's TensorRT is loaded at run time, and asking for its version aborts without it."""
    # TensorFlow 2.17 is built against 8.6.1; newer builds would say so themselves.
    major = str(build.get("tensorrt_version", "8")).split(".")[0]
    for library in (f"libnvinfer.so.{major}", f"libnvinfer_plugin.so.{major}"):
        if not can_load(library):
            raise ConversionError(
                f"TensorRT's library {library} cannot be loaded: install TensorRT {major} (pip "
                f"install 'tensorrt=={major}.*') and name its folder in LD_LIBRARY_PATH"
            )


def check_gpu(found: Any) -> None:
    """TF-TRT converts on the GPU that the engines are for."""
    if not found:
        raise ConversionError(
            "TensorFlow finds no GPU, and TensorRT builds engines on the GPU they are for: run "
            "this where nvidia-smi lists one, with tensorflow[and-cuda] installed"
        )


def can_load(library: str) -> bool:
    """Whether the dynamic linker finds and loads a library."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
