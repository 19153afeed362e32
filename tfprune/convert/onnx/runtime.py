"""An ONNX file run in ONNX Runtime."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tfprune._silence import silenced
from tfprune.convert.compare import Outputs, join_answers
from tfprune.convert.samples import Example
from tfprune.errors import ConversionError


def run_onnx(
    path: Path,
    names: Sequence[str],
    examples: Sequence[Example],
    batches: Sequence[int],
    as_written: bool = False,
) -> list[Outputs]:
    """Returns what the file answers to the examples, once for each size of batch.

    Args:
        path: the file.
        names: of its inputs, in the order of the examples' parts.
        examples: one batch entry each.
        batches: how many examples to give at once.
        as_written: whether to run QuantizeLinear and DequantizeLinear as what they are, in place
            of int8 kernels of this processor. Defaults to `False`.

    Raises:
        ConversionError: ONNX Runtime cannot load or run the file.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    if as_written:
        options.add_session_config_entry("session.disable_quant_qdq", "1")
    try:
        with silenced():
            session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
            return [_run(session, names, examples, size) for size in batches]
    # Its classes of errors are private, and share no base but Exception.
    except Exception as error:
        reason = " ".join(str(error).split())[:300]
        raise ConversionError(f"ONNX Runtime cannot run the converted file: {reason}") from error


def _run(session: Any, names: Sequence[str], examples: Sequence[Example], size: int) -> Outputs:
    outputs = [output.name for output in session.get_outputs()]
    answers = []
    for begin in range(0, len(examples), size):
        parts = zip(*examples[begin : begin + size], strict=True)
        feed = {name: np.concatenate(part) for name, part in zip(names, parts, strict=True)}
        answers.append(dict(zip(outputs, session.run(outputs, feed), strict=True)))
    return join_answers(answers)
