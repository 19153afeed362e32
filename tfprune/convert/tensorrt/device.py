"""Memory on the GPU, by the driver's own library: no package for CUDA is needed."""

import ctypes
from typing import Any

import numpy as np

from tfprune.errors import ConversionError


def load_driver() -> Any:
    """Returns NVIDIA's driver library, started, where there is one and a GPU.

    Raises:
        ConversionError: there is no driver, or it sees no GPU.
    """
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError as error:
        raise ConversionError(
            "NVIDIA's driver (libcuda.so.1) cannot be loaded, and TensorRT builds engines on the "
            "GPU they are for: run this where nvidia-smi lists one"
        ) from error
    count = ctypes.c_int(0)
    if driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count)) or not count.value:
        raise ConversionError(
            "NVIDIA's driver sees no GPU, and TensorRT builds engines on the GPU they are for: "
            "run this where nvidia-smi lists one (CUDA_VISIBLE_DEVICES may hide it)"
        )
    return driver


class Device:
    """The first GPU: arrays go there and come back, and nothing is left there at the end.

    Args:
        driver: NVIDIA's driver library, started.

    Raises:
        ConversionError: the driver refuses; so do the methods.
    """

    def __init__(self, driver: Any) -> None:
        self._driver = driver
        self._blocks: list[ctypes.c_uint64] = []
        self._number = ctypes.c_int(0)
        context = ctypes.c_void_p()
        self._do("cuDeviceGet", ctypes.byref(self._number), 0)
        self._do("cuDevicePrimaryCtxRetain", ctypes.byref(context), self._number)
        self._do("cuCtxSetCurrent", context)

    def __enter__(self) -> "Device":
        return self

    def __exit__(self, *_: object) -> None:
        for block in self._blocks:
            self._driver.cuMemFree_v2(block)
        self._blocks.clear()
        self._driver.cuDevicePrimaryCtxRelease_v2(self._number)

    def allocate(self, size: int) -> int:
        """Returns the address of so many bytes."""
        block = ctypes.c_uint64(0)
        self._do("cuMemAlloc_v2", ctypes.byref(block), ctypes.c_size_t(max(size, 1)))
        self._blocks.append(block)
        return int(block.value)

    def upload(self, array: np.ndarray, address: int) -> None:
        """Copies an array to the GPU."""
        values = np.ascontiguousarray(array)
        self._do(
            "cuMemcpyHtoD_v2",
            ctypes.c_uint64(address),
            ctypes.c_void_p(values.ctypes.data),
            ctypes.c_size_t(values.nbytes),
        )

    def download(self, array: np.ndarray, address: int) -> None:
        """Fills an array from the GPU, once all work there is done."""
        self._do("cuCtxSynchronize")
        self._do(
            "cuMemcpyDtoH_v2",
            ctypes.c_void_p(array.ctypes.data),
            ctypes.c_uint64(address),
            ctypes.c_size_t(array.nbytes),
        )

    def _do(self, name: str, *arguments: Any) -> None:
        code = getattr(self._driver, name)(*arguments)
        if code:
            raise ConversionError(f"NVIDIA's driver refuses {name}: error {code}; see nvidia-smi")
