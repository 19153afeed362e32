"""A converted file run beside the Keras model it came from."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tfprune._silence import silenced
from tfprune._tflite import Graph, read_graph
from tfprune.convert.samples import Example
from tfprune.convert.savedmodel import call_by_name, input_names
from tfprune.errors import ConversionError, ModelError

if TYPE_CHECKING:
    import keras

Outputs = Mapping[str, np.ndarray]
"""The outputs by name, one row a sample."""

# The int8 form of these operations spans this much, whatever values come: 256 fixed steps.
_FIXED_SPAN = {"SOFTMAX": 1.0, "LOGISTIC": 1.0, "TANH": 2.0}


def run_keras(model: "keras.Model", examples: Sequence[Example]) -> Outputs:
    """Returns what the Keras model answers, one example at a time as on a device.

    Raises:
        ModelError: an answer holds NaN or infinity.
    """
    import keras

    answers = []
    for example in examples:
        outputs = call_by_name(model, [keras.ops.convert_to_tensor(part) for part in example])
        answers.append({name: keras.ops.convert_to_numpy(o) for name, o in outputs.items()})
    joined = join_answers(answers)
    for name, values in joined.items():
        if not np.isfinite(values).all():
            raise ModelError(
                f"the Keras model's own output {name!r} holds NaN or infinite values on the "
                "samples: pass samples of the range that the model is made for"
            )
    return joined


def run_file(path: Path, model: "keras.Model", examples: Sequence[Example]) -> Outputs:
    """Returns what the file answers in LiteRT, integer inputs and outputs brought to real scale.

    Raises:
        ConversionError: LiteRT cannot load or run the file.
    """
    from ai_edge_litert.interpreter import Interpreter

    names = input_names(model)
    try:
        with silenced():
            interpreter = Interpreter(model_path=str(path), num_threads=1)
            runner = interpreter.get_signature_runner()
            ins, outs = runner.get_input_details(), runner.get_output_details()
            answers = []
            for example in examples:
                feed = {n: _quantized(p, ins[n]) for n, p in zip(names, example, strict=True)}
                given = runner(**feed)
                answers.append({name: _real(value, outs[name]) for name, value in given.items()})
    except (RuntimeError, ValueError, KeyError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ConversionError(f"LiteRT cannot run the converted file: {reason}") from error
    return join_answers(answers)


def largest_errors(expected: Outputs, received: Outputs, path: Path) -> dict[str, float]:
    """Returns the largest error of each output of a TFLite file, as `output_errors` does.

    Where the file holds the output as int8 after a softmax, sigmoid or tanh, whose 256 steps are
    fixed by the format, the range is that of the function (1, 1 and 2).

    Args:
        expected: the Keras model's outputs.
        received: the file's outputs.
        path: the file, to see how it makes its outputs.

    Raises:
        ConversionError: an output is missing, of another shape, NaN or infinite.
    """
    graph = read_graph(path)
    spans = {name: _fixed_span(graph, name) for name in expected}
    return output_errors(expected, received, spans)


def output_errors(
    expected: Outputs, received: Outputs, spans: Mapping[str, float] | None = None
) -> dict[str, float]:
    """Returns, for each output, the largest |received - expected| over the output's range.

    The range is that of the expected values over all samples, zero included.

    Args:
        expected: the Keras model's outputs.
        received: the file's outputs.
        spans: the least range of an output, by its name. Defaults to none.

    Raises:
        ConversionError: an output is missing, of another shape, NaN or infinite.
    """
    errors = {}
    for name, values in expected.items():
        if name not in received:
            raise ConversionError(f"the file lacks output {name!r}, it has {sorted(received)}")
        answer = received[name].astype(np.float64)
        if answer.shape != values.shape:
            raise ConversionError(
                f"output {name!r}: expected shape {values.shape}, the file gives {answer.shape}"
            )
        if not np.isfinite(answer).all():
            raise ConversionError(f"output {name!r} of the converted file holds NaN or infinity")
        span = (spans or {}).get(name, 0.0)
        errors[name] = _relative_error(values.astype(np.float64), answer, span)
    return errors


def _relative_error(values: np.ndarray, answer: np.ndarray, least_span: float) -> float:
    if values.size == 0:
        return 0.0
    span = max(float(values.max()), 0.0) - min(float(values.min()), 0.0)
    # An output that is zero throughout has no range: its error stays as it is.
    return float(np.abs(answer - values).max() / (max(span, least_span) or 1.0))


def _fixed_span(graph: Graph, name: str) -> float:
    """Returns the range that the format fixes for an int8 output, 0 where it fixes none."""
    tensor = graph.outputs.get(name)
    while tensor is not None:
        maker = graph.producer(tensor)
        if maker is None:
            return 0.0
        if maker.kind not in ("DEQUANTIZE", "QUANTIZE", "RESHAPE"):
            return _FIXED_SPAN.get(maker.kind, 0.0) if tensor.dtype == "INT8" else 0.0
        tensor = maker.inputs[0]
    return 0.0


def _quantized(values: np.ndarray, details: Mapping[str, Any]) -> np.ndarray:
    scale, zero = details["quantization"]
    if not scale:
        return values.astype(details["dtype"])
    limits = np.iinfo(details["dtype"])
    steps = np.round(values / scale) + zero
    return np.clip(steps, limits.min, limits.max).astype(details["dtype"])


def _real(values: np.ndarray, details: Mapping[str, Any]) -> np.ndarray:
    scale, zero = details["quantization"]
    return (values.astype(np.float64) - zero) * scale if scale else values


def join_answers(answers: Sequence[Mapping[str, Any]]) -> Outputs:
    """Returns the answers to single examples as one array an output."""
    return {n: np.concatenate([np.asarray(a[n]) for a in answers]) for n in answers[0]}
