"""What can be read from a TFLite file: its size, types, operations, and what it says of itself."""

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tfprune._silence import silenced
from tfprune._tflite import check_file, read_graph
from tfprune.convert.artifact import digest
from tfprune.convert.metadata import Metadata, read_metadata
from tfprune.errors import FileError


@dataclass(frozen=True)
class Port:
    """An input or output: its shape without the batch, its type, and how integers are scaled.

    Attributes:
        shape: of one example.
        dtype: in the file.
        scale: what a step of an integer is worth, 0 for floats.
        zero: the integer that stands for zero.
    """

    shape: tuple[int, ...]
    dtype: str
    scale: float
    zero: int


@dataclass(frozen=True)
class Facts:
    """All that a card and a manifest tell of a file.

    Attributes:
        name: the file's name.
        bytes: its size.
        sha256: its checksum.
        inputs: by their names in the signature.
        outputs: likewise.
        operations: how often each built-in operation occurs, most frequent first.
        metadata: what the file says of itself.
    """

    name: str
    bytes: int
    sha256: str
    inputs: Mapping[str, Port]
    outputs: Mapping[str, Port]
    operations: Mapping[str, int]
    metadata: Metadata


def read_facts(path: str | os.PathLike[str]) -> Facts:
    """Reads a TFLite file that tfprune made.

    Raises:
        FileError: it is missing, damaged, or says nothing of itself.
    """
    from ai_edge_litert.interpreter import Interpreter

    file = check_file(path)
    metadata = read_metadata(file)
    if metadata is None:
        raise FileError(f"expected metadata in {file}, found none: make it with tfprune.convert")
    try:
        with silenced():
            runner = Interpreter(model_path=str(file)).get_signature_runner()
            ports = [
                {
                    name: Port(
                        tuple(int(size) for size in entry["shape"][1:]),
                        np.dtype(entry["dtype"]).name,
                        float(entry["quantization"][0]),
                        int(entry["quantization"][1]),
                    )
                    for name, entry in details.items()
                }
                for details in (runner.get_input_details(), runner.get_output_details())
            ]
    except (ValueError, RuntimeError) as error:
        raise FileError(f"LiteRT cannot load {file}: {' '.join(str(error).split())}") from error
    kinds = Counter(operation.kind for operation in read_graph(file).operations)
    content = file.read_bytes()
    return Facts(
        name=Path(path).name,
        bytes=len(content),
        sha256=digest(content),
        inputs=ports[0],
        outputs=ports[1],
        operations=dict(sorted(kinds.items(), key=lambda item: (-item[1], item[0]))),
        metadata=metadata,
    )
