"""An engine built from an ONNX graph with TensorRT's builder, of version 8 or 10.

Source: NVIDIA TensorRT, Python API: Builder, OnnxParser, IBuilderConfig, IInt8EntropyCalibrator2.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfprune.convert.samples import Example
from tfprune.convert.tensorrt.device import Device
from tfprune.convert.tensorrt.profile import Profile
from tfprune.errors import ConversionError


@dataclass(frozen=True)
class Order:
    """What to build.

    Attributes:
        graph: the ONNX file's bytes.
        names: of its inputs.
        profile: the shapes of its inputs.
        precision: "FP32", "FP16" or "INT8".
        quantized: whether the graph says itself what runs in int8 (Q/DQ).
        calibration: batches of the profile's usual shape, for INT8 of graphs that do not.
        workspace_bytes: GPU memory that the engine may use.
    """

    graph: bytes
    names: Sequence[str]
    profile: Profile
    precision: str
    quantized: bool
    calibration: Sequence[Example]
    workspace_bytes: int


def build_engine(trt: Any, order: Order, device: Device) -> bytes:
    """Returns the serialized engine.

    Args:
        trt: the module tensorrt.
        order: what to build.
        device: where calibration batches go.

    Raises:
        ConversionError: TensorRT cannot read the graph, or build it.
    """
    logger = trt.Logger(trt.Logger.ERROR)
    builder = trt.Builder(logger)
    network = builder.create_network(_network_flags(trt))
    parser = trt.OnnxParser(network, logger)
    if not parser.parse(order.graph):
        reasons = [str(parser.get_error(index)) for index in range(parser.num_errors)]
        raise ConversionError(f"TensorRT cannot read the ONNX graph: {'; '.join(reasons)[:300]}")
    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, order.workspace_bytes)
    profile = builder.create_optimization_profile()
    shapes = (order.profile.least, order.profile.usual, order.profile.largest)
    for name, least, usual, largest in zip(order.names, *shapes, strict=True):
        profile.set_shape(name, least, usual, largest)
    config.add_optimization_profile(profile)
    calibrator = _set_precision(trt, builder, config, order, profile, device)
    serialized = builder.build_serialized_network(network, config)
    del calibrator  # TensorRT holds no reference of its own
    if serialized is None:
        raise ConversionError(
            f"TensorRT cannot build the engine in {order.precision}: it may need more "
            "workspace_bytes, or another precision; its log tells"
        )
    return bytes(serialized)


def _network_flags(trt: Any) -> int:
    """Version 8 wants to be told that the batch is an axis like others; 10 knows nothing else."""
    if int(trt.__version__.split(".")[0]) >= 10:
        return 0
    return 1 << int(trt.NetworkDefinitionCreationFlag.EXPLICIT_BATCH)


def _set_precision(
    trt: Any, builder: Any, config: Any, order: Order, profile: Any, device: Device
) -> Any:
    """Sets the flags, and returns the calibrator where one is needed."""
    fast = {"FP16": "platform_has_fast_fp16", "INT8": "platform_has_fast_int8"}
    if order.precision in fast and not getattr(builder, fast[order.precision], True):
        raise ConversionError(
            f"this GPU has no fast {order.precision}, so that an engine would only be worse: use "
            "precision='FP32'"
        )
    if order.precision != "FP32":
        # What has no int8 kernel may run in half precision.
        config.set_flag(trt.BuilderFlag.FP16)
    if order.precision != "INT8":
        return None
    config.set_flag(trt.BuilderFlag.INT8)
    if order.quantized:
        return None
    calibrator = _calibrator(trt, order, device)
    config.int8_calibrator = calibrator
    config.set_calibration_profile(profile)
    return calibrator


def _calibrator(trt: Any, order: Order, device: Device) -> Any:
    if not hasattr(trt, "IInt8EntropyCalibrator2"):
        raise ConversionError(
            f"TensorRT {trt.__version__} calibrates no more: pass the Keras model, or an ONNX file "
            "of to_onnx(quantize='int8', symmetric=True), which says itself what runs in int8"
        )

    class Calibrator(trt.IInt8EntropyCalibrator2):
        """Hands TensorRT one batch after another, in memory of the GPU."""

        def __init__(self) -> None:
            trt.IInt8EntropyCalibrator2.__init__(self)
            self._batches: Iterator[Example] = iter(order.calibration)
            self._places = [device.allocate(part.nbytes) for part in order.calibration[0]]

        def get_batch_size(self) -> int:
            """Returns how many examples a batch holds."""
            return len(order.calibration[0][0])

        def get_batch(self, names: Sequence[str]) -> list[int] | None:
            """Returns where the next batch lies, in the order of the names; None at the end."""
            batch = next(self._batches, None)
            if batch is None:
                return None
            for part, place in zip(batch, self._places, strict=True):
                device.upload(part, place)
            by_name = dict(zip(order.names, self._places, strict=True))
            return [by_name[name] for name in names]

        def read_calibration_cache(self) -> bytes | None:
            """Returns nothing: each engine is calibrated anew."""
            return None

        def write_calibration_cache(self, cache: Any) -> None:
            """Keeps nothing."""

    return Calibrator()


def run_engine(
    trt: Any, engine_bytes: bytes, names: Sequence[str], batch: Example, device: Device
) -> dict[str, np.ndarray]:
    """Returns what an engine answers to a batch, by the names of its outputs.

    Raises:
        ConversionError: TensorRT cannot load or run the engine.
    """
    runtime = trt.Runtime(trt.Logger(trt.Logger.ERROR))
    engine = runtime.deserialize_cuda_engine(engine_bytes)
    if engine is None:
        raise ConversionError("TensorRT cannot load the engine that it has just built")
    context = engine.create_execution_context()
    for name, part in zip(names, batch, strict=True):
        context.set_input_shape(name, part.shape)
        place = device.allocate(part.nbytes)
        device.upload(part, place)
        context.set_tensor_address(name, place)
    outputs: dict[str, tuple[np.ndarray, int]] = {}
    for index in range(engine.num_io_tensors):
        name = engine.get_tensor_name(index)
        if engine.get_tensor_mode(name) == trt.TensorIOMode.OUTPUT:
            shape = tuple(context.get_tensor_shape(name))
            array = np.empty(shape, trt.nptype(engine.get_tensor_dtype(name)))
            place = device.allocate(array.nbytes)
            context.set_tensor_address(name, place)
            outputs[name] = array, place
    if not context.execute_async_v3(0):
        raise ConversionError("TensorRT cannot run the engine; its log tells")
    for array, place in outputs.values():
        device.download(array, place)
    return {name: array for name, (array, _) in outputs.items()}
