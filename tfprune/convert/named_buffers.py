"""Named buffers of a TFLite file: bytes that a runtime carries along and does not look at.

The format's schema has, beside the graph, a list of names and buffers ("metadata"). Converters
keep their version there. Every reader of the schema finds such a buffer, C++ programs through
`FlatBufferModel::ReadAllMetadata`.
"""

import struct
from typing import TYPE_CHECKING, Any

from tfprune._tflite import IDENTIFIER
from tfprune.errors import FileError

if TYPE_CHECKING:
    import numpy as np

_ALIGN = 16
_INSIDE = 1  # the largest `offset` of a buffer whose data are within the flatbuffer
# An offset that points nowhere shows as any of these.
_BROKEN = (struct.error, IndexError, KeyError, TypeError, ValueError, AttributeError)


def read(content: bytes, name: str) -> bytes | None:
    """Returns the bytes of the buffer `name`, or `None` where the file has none of that name.

    Raises:
        FileError: the content is no TFLite file, or is damaged.
    """
    from ai_edge_litert import schema_py_generated as schema

    _check_mark(content)
    try:
        model = schema.Model.GetRootAs(content, 0)
        for index in range(model.MetadataLength()):
            entry = model.Metadata(index)
            if entry.Name() == name.encode("ascii"):
                data = model.Buffers(entry.Buffer())
                return data.DataAsNumpy().tobytes() if data.DataLength() else b""
    except _BROKEN as error:
        raise _damaged() from error
    return None


def insert(content: bytes, name: str, data: bytes) -> bytes:
    """Returns the file with a buffer `name` that holds `data`; one of that name is replaced.

    The file is written anew through the published schema, and all constants begin at multiples
    of 16 bytes. The schema asks for that, microcontrollers need it of 64-bit numbers (the
    biases of int16x8), and TensorFlow's converter does not give it: Python's flatbuffers, by
    which it puts its own metadata in, ignores the schema's `force_align`
    (tensorflow/tflite-micro, pull request 3177).

    Args:
        content: a TFLite file.
        name: of the buffer, in ASCII.
        data: what it is to hold.

    Raises:
        FileError: the content is no TFLite file, is damaged, or keeps its weights outside the
            flatbuffer, as files over 2 GB do.
    """
    import numpy as np
    from ai_edge_litert import schema_py_generated as schema

    _check_mark(content)
    try:
        model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    except _BROKEN as error:
        raise _damaged() from error
    if any((buffer.offset or 0) > _INSIDE for buffer in model.buffers):
        raise FileError("a file whose weights stand outside the flatbuffer takes no metadata")
    key, model.metadata = name.encode("ascii"), model.metadata or []
    entry = next((entry for entry in model.metadata if entry.name == key), None)
    if entry is None:
        entry = schema.MetadataT()
        entry.name, entry.buffer = key, len(model.buffers)
        model.metadata.append(entry)
        model.buffers.append(schema.BufferT())
    model.buffers[entry.buffer].data = np.frombuffer(data, np.uint8)
    builder = _aligned_builder(len(content) + len(data) + _ALIGN * len(model.buffers))
    builder.Finish(model.Pack(builder), file_identifier=IDENTIFIER)
    return bytes(builder.Output())


def _check_mark(content: bytes) -> None:
    if content[4:8] != IDENTIFIER:
        raise FileError("expected a TFLite file, received bytes without the mark TFL3")


def _damaged() -> FileError:
    return FileError("cannot read the TFLite file: it is damaged or was cut short")


def _aligned_builder(size: int) -> Any:
    import flatbuffers

    class Aligned(flatbuffers.Builder):
        """Begins the data of each buffer at a multiple of 16."""

        def CreateNumpyVector(self, x: "np.ndarray") -> int:
            if x.itemsize == 1:
                self.Prep(_ALIGN, x.nbytes)
            return int(super().CreateNumpyVector(x))

    return Aligned(size)
