"""A converted file run beside the Keras model it came from."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tfprune._silence import silenced
from tfprune._tflite import Graph, read_graph
from tfprune.convert.artifact import OutputError
from tfprune.convert.samples import Example
from tfprune.convert.savedmodel import call_by_name, input_names
from tfprune.errors import ConversionError, ModelError

if TYPE_CHECKING:
    import keras

Outputs = Mapping[str, np.ndarray]
"""The outputs by name, one row a sample."""

WORTH_COMPILING = 100
"""Calls from which on the graph that TensorFlow makes of a model saves more than it takes."""

# The int8 form of these operations spans this much, whatever values come: 256 fixed steps.
_EIGHT_BITS = ("INT8", "UINT8")
_FIXED_SPAN = {"SOFTMAX": 1.0, "LOGISTIC": 1.0, "TANH": 2.0}


def run_keras(model: "keras.Model", examples: Sequence[Example]) -> Outputs:
    """Returns what the Keras model answers, one example at a time as on a device.

    Raises:
        ModelError: an answer holds NaN or infinity.
    """
    import keras

    call: Callable[[list[Any]], Mapping[str, Any]] = partial(call_by_name, model)
    if len(examples) > WORTH_COMPILING:
        import tensorflow as tf

        call = tf.function(call)
    answers = []
    for example in examples:
        outputs = call([keras.ops.convert_to_tensor(part) for part in example])
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


def input_types(path: Path) -> dict[str, str]:
    """Returns the type of each input of a TFLite file, by its name in the signature."""
    from ai_edge_litert.interpreter import Interpreter

    details = Interpreter(model_path=str(path)).get_signature_runner().get_input_details()
    return {name: np.dtype(each["dtype"]).name for name, each in details.items()}


def file_report(expected: Outputs, received: Outputs, path: Path) -> tuple[OutputError, ...]:
    """Returns how far each output of a TFLite file is from the Keras model's.

    Where the file holds the output in 8 bits after a softmax, sigmoid or tanh, whose 256 steps
    are fixed by the format, errors are relative to the range of the function (1, 1 and 2).

    Args:
        expected: the Keras model's outputs.
        received: the file's outputs.
        path: the file, to see how it makes its outputs.

    Raises:
        ConversionError: an output is missing, of another shape, NaN or infinite.
    """
    graph = read_graph(path)
    spans = {name: _fixed_span(graph, name) for name in expected}
    types = {name: tensor.dtype.lower() for name, tensor in graph.outputs.items()}
    return output_report(expected, received, spans, types)


def output_errors(
    expected: Outputs, received: Outputs, spans: Mapping[str, float] | None = None
) -> dict[str, float]:
    """Returns, for each output, the largest error relative to its range, as `output_report`."""
    report = output_report(expected, received, spans)
    return {error.name: error.relative for error in report}


def output_report(
    expected: Outputs,
    received: Outputs,
    spans: Mapping[str, float] | None = None,
    types: Mapping[str, str] | None = None,
) -> tuple[OutputError, ...]:
    """Returns how far each output is from what it should be.

    Errors are relative to the range of the expected values over all samples, zero included.

    Args:
        expected: the Keras model's outputs.
        received: the file's outputs.
        spans: the least range of an output, by its name. Defaults to none.
        types: in which the file holds its outputs. Defaults to those of the values received.

    Raises:
        ConversionError: an output is missing, of another shape, NaN or infinite.
    """
    check_outputs(expected, received)
    return tuple(
        _output_error(
            name,
            values,
            received[name],
            (types or {}).get(name, received[name].dtype.name),
            (spans or {}).get(name, 0.0),
        )
        for name, values in expected.items()
    )


def check_outputs(expected: Outputs, received: Outputs) -> None:
    """Raises `ConversionError` where an output is missing, of another shape, NaN or infinite."""
    for name, values in expected.items():
        if name not in received:
            raise ConversionError(f"the file lacks output {name!r}, it has {sorted(received)}")
        answer = received[name]
        if answer.shape != values.shape:
            raise ConversionError(
                f"output {name!r}: expected shape {values.shape}, the file gives {answer.shape}"
            )
        if not np.isfinite(answer).all():
            raise ConversionError(f"output {name!r} of the converted file holds NaN or infinity")


def _output_error(
    name: str, expected: np.ndarray, received: np.ndarray, dtype: str, least_span: float
) -> OutputError:
    values, answer = expected.astype(np.float64), received.astype(np.float64)
    distance = np.abs(answer - values)
    if not values.size:
        return OutputError(name, expected.shape[1:], dtype, 0.0, 0.0, 0.0, 0.0, None)
    span = max(float(values.max()), 0.0) - min(float(values.min()), 0.0)
    # An output that is zero throughout has no range: its error stays as it is.
    span = max(span, least_span) or 1.0
    agreement = None
    if expected.ndim > 1 and expected.shape[-1] > 1:
        agreement = float((values.argmax(axis=-1) == answer.argmax(axis=-1)).mean())
    worst = distance.reshape(len(distance), -1).max(axis=1)
    return OutputError(
        name=name,
        shape=expected.shape[1:],
        dtype=dtype,
        largest=float(worst.max()),
        most=float(np.quantile(worst, 0.99, method="higher")),
        mean=float(distance.mean()),
        span=span,
        agreement=agreement,
    )


def _fixed_span(graph: Graph, name: str) -> float:
    """Returns the range that the format fixes for an output in 8 bits, 0 where it fixes none."""
    tensor = graph.outputs.get(name)
    while tensor is not None:
        maker = graph.producer(tensor)
        if maker is None:
            return 0.0
        if maker.kind not in ("DEQUANTIZE", "QUANTIZE", "RESHAPE"):
            return _FIXED_SPAN.get(maker.kind, 0.0) if tensor.dtype in _EIGHT_BITS else 0.0
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
