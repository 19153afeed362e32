"""Stand-ins for NVIDIA's tensorrt (8 or 10) and driver, which run engines in ONNX Runtime.

Addresses are real memory, so that a wrong address, size or order shows as it would on a GPU.
"""

import ctypes
from types import SimpleNamespace

import numpy as np
import onnxruntime


class Driver:
    """The calls of libcuda that are made, on the memory of this process."""

    def __init__(self, gpus=1):
        self.gpus, self.blocks, self.calls = gpus, {}, []

    def cuInit(self, flags):
        return 0

    def cuDeviceGetCount(self, count):
        count._obj.value = self.gpus
        return 0

    def cuDeviceGet(self, number, index):
        return 0

    def cuDevicePrimaryCtxRetain(self, context, number):
        self.calls.append("retain")
        return 0

    def cuDevicePrimaryCtxRelease_v2(self, number):
        self.calls.append("release")
        return 0

    def cuCtxSetCurrent(self, context):
        return 0

    def cuCtxSynchronize(self):
        self.calls.append("synchronize")
        return 0

    def cuMemAlloc_v2(self, address, size):
        if size.value > 1 << 30:
            return 2
        block = ctypes.create_string_buffer(size.value)
        address._obj.value = ctypes.addressof(block)
        self.blocks[address._obj.value] = block
        return 0

    def cuMemFree_v2(self, address):
        del self.blocks[address.value]
        return 0

    def cuMemcpyHtoD_v2(self, address, source, size):
        assert size.value <= len(self.blocks[address.value])
        ctypes.memmove(address.value, source.value, size.value)
        return 0

    def cuMemcpyDtoH_v2(self, target, address, size):
        assert size.value <= len(self.blocks[address.value])
        ctypes.memmove(target.value, address.value, size.value)
        return 0


class Config:
    def __init__(self):
        self.flags, self.profiles, self.int8_calibrator = [], [], None

    def set_memory_pool_limit(self, kind, size):
        self.workspace = kind, size

    def set_flag(self, flag):
        self.flags.append(flag)

    def add_optimization_profile(self, profile):
        self.profiles.append(profile)

    def set_calibration_profile(self, profile):
        self.calibration_profile = profile


class Context:
    def __init__(self, session):
        self.session, self.shapes, self.addresses = session, {}, {}

    def set_input_shape(self, name, shape):
        self.shapes[name] = tuple(shape)

    def set_tensor_address(self, name, address):
        self.addresses[name] = address

    def get_tensor_shape(self, name):
        batch = next(iter(self.shapes.values()))[0]
        (output,) = [one for one in self.session.get_outputs() if one.name == name]
        return [batch if isinstance(size, str) else size for size in output.shape]

    def execute_async_v3(self, stream):
        feed = {name: self._array(name, shape).copy() for name, shape in self.shapes.items()}
        names = [output.name for output in self.session.get_outputs()]
        for name, value in zip(names, self.session.run(names, feed), strict=True):
            self._array(name, value.shape)[...] = value
        return True

    def _array(self, name, shape):
        count = int(np.prod(shape))
        kind = ctypes.POINTER(ctypes.c_float)
        return np.ctypeslib.as_array(ctypes.cast(self.addresses[name], kind), (count,)).reshape(
            shape
        )


class Engine:
    def __init__(self, content):
        self.session = onnxruntime.InferenceSession(bytes(content))
        both = (self.session.get_inputs(), self.session.get_outputs())
        self.names = [(one.name, mode) for mode, several in enumerate(both) for one in several]
        self.num_io_tensors = len(self.names)

    def get_tensor_name(self, index):
        return self.names[index][0]

    def get_tensor_mode(self, name):
        return dict(self.names)[name]

    def get_tensor_dtype(self, name):
        return "float32"

    def create_execution_context(self):
        return Context(self.session)


def module(version="10.3.0", refuse="", corrupt=None):
    """Returns a module `tensorrt`; what was asked of it is kept in its `seen`."""
    seen = SimpleNamespace(calibrated=[])

    class Builder:
        platform_has_fast_fp16 = platform_has_fast_int8 = refuse != "slow"

        def __init__(self, logger):
            pass

        def create_network(self, flags):
            seen.network_flags = flags
            return SimpleNamespace()

        def create_builder_config(self):
            seen.config = Config()
            return seen.config

        def create_optimization_profile(self):
            profile = SimpleNamespace(shapes={})
            profile.set_shape = lambda name, *shapes: profile.shapes.update({name: shapes})
            return profile

        def build_serialized_network(self, network, config):
            calibrator = config.int8_calibrator
            names = ["image"]
            while calibrator and (places := calibrator.get_batch(names)):
                seen.calibrated.append((calibrator.get_batch_size(), *places))
            if refuse == "build":
                return None
            return corrupt or network.graph

    class Parser:
        num_errors = 1

        def __init__(self, network, logger):
            self.network = network

        def parse(self, graph):
            self.network.graph = graph
            return refuse != "parse"

        def get_error(self, index):
            return "node 3: unsupported"

    class Calibrator:
        pass

    found = SimpleNamespace(
        __version__=version,
        seen=seen,
        Logger=type("Logger", (), {"ERROR": 1, "__init__": lambda self, level: None}),
        Builder=Builder,
        OnnxParser=Parser,
        NetworkDefinitionCreationFlag=SimpleNamespace(EXPLICIT_BATCH=0),
        MemoryPoolType=SimpleNamespace(WORKSPACE="workspace"),
        BuilderFlag=SimpleNamespace(FP16="fp16", INT8="int8"),
        IInt8EntropyCalibrator2=Calibrator,
        TensorIOMode=SimpleNamespace(INPUT=0, OUTPUT=1),
        Runtime=lambda logger: SimpleNamespace(deserialize_cuda_engine=Engine),
        nptype=np.dtype,
    )
    if int(version.split(".")[0]) > 10:
        del found.IInt8EntropyCalibrator2
    return found
