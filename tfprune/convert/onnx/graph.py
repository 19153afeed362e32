"""A Keras model's graph as ONNX, through tf2onnx.

Keras has `export(format="onnx")`, which calls tf2onnx too, but it names outputs after TensorFlow's
tensors, refuses models that were never called, and stops at grouped convolutions and at the exact
GELU of TensorFlow 2.21. With the function made here all of them pass on TensorFlow 2.17 and 2.21.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tfprune._silence import silenced
from tfprune.convert.keyline import explain, layer_of
from tfprune.convert.savedmodel import call_by_name, input_names, layer_names, output_names
from tfprune.errors import ConversionError

if TYPE_CHECKING:
    import keras


def make_proto(
    model: "keras.Model", shapes: Sequence[Sequence[int | None]], opset: int | None
) -> Any:
    """Returns the model as an `onnx.ModelProto` in float32.

    Args:
        model: a built model; it is left as it was.
        shapes: the shape of each input, batch first; None for sizes left open.
        opset: the version of ONNX's operations; None for tf2onnx's choice.

    Raises:
        ConversionError: an operation has no counterpart in ONNX, or tf2onnx fails.
    """
    import tensorflow as tf
    import tf2onnx

    specs = [
        tf.TensorSpec(shape, tensor.dtype, name=name)
        for shape, tensor, name in zip(shapes, model.inputs, input_names(model), strict=True)
    ]
    function = tf.function(lambda *inputs: call_by_name(model, inputs), input_signature=specs)
    try:
        with silenced() as caught, _functions_inlined():
            proto, _ = tf2onnx.convert.from_function(
                function, specs, opset=opset, custom_op_handlers={"Erfc": (_erfc, [])}
            )
    # tf2onnx raises whatever it met: ValueError, KeyError, AssertionError, TensorFlow's own.
    except Exception as error:
        reason = explain(f"{error}\n{caught.text}", layer_names(model))
        raise ConversionError(f"cannot convert {model.name!r} to ONNX: {reason}") from error
    _refuse_unknown(model, proto)
    _name_sizes(model, proto, shapes)
    proto.graph.name, proto.producer_name = model.name, "tfprune"
    return proto


@contextlib.contextmanager
def _functions_inlined() -> Iterator[None]:
    """Lets functions within functions run as part of the graph around them.

    Keras compiles grouped convolutions as functions of their own, which tf2onnx cannot enter.
    """
    import tensorflow as tf

    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(before)


def _erfc(context: Any, node: Any, name: str, _: Any) -> None:
    """1 - erf(x): TensorFlow 2.21 writes GELU with a function that ONNX lacks."""
    one = context.make_const(f"{name}_one", np.ones((), np.float32))
    shape, dtype = context.get_shape(node.output[0]), context.get_dtype(node.output[0])
    inputs, outputs = list(node.input), list(node.output)
    context.remove_node(node.name)
    erf = context.make_node("Erf", inputs, shapes=[shape], dtypes=[dtype], name=f"{name}_erf")
    context.make_node(
        "Sub",
        [one.output[0], erf.output[0]],
        outputs=outputs,
        shapes=[shape],
        dtypes=[dtype],
        name=f"{name}_sub",
    )


def _refuse_unknown(model: "keras.Model", proto: Any) -> None:
    """tf2onnx leaves in place what it cannot translate, and says so in its log only."""
    import onnx

    known: Mapping[str, None] = dict.fromkeys(layer_names(model))
    unknown = [
        f"{node.op_type}{layer_of(node.name, known)}"
        for node in proto.graph.node
        if not onnx.defs.has(node.op_type, node.domain)
    ]
    if unknown:
        raise ConversionError(
            f"cannot convert {model.name!r} to ONNX, which has no {', '.join(sorted(set(unknown)))}"
            ": replace the layer"
        )


def _name_sizes(model: "keras.Model", proto: Any, shapes: Sequence[Sequence[int | None]]) -> None:
    """Calls the open batch "batch" everywhere, and other open sizes by their tensor's name."""
    wanted: dict[str, Sequence[int | None]] = dict(zip(input_names(model), shapes, strict=True))
    for name, tensor in zip(output_names(model), model.outputs, strict=True):
        # What is open in the model may be fixed in the file: its size then stays as it stands.
        wanted[name] = tensor.shape
    for value in (*proto.graph.input, *proto.graph.output):
        sizes = value.type.tensor_type.shape.dim
        for axis, (size, known) in enumerate(zip(sizes, wanted[value.name], strict=False)):
            if size.dim_value > 0:
                continue
            if known is not None:
                size.dim_value = known
            else:
                size.dim_param = "batch" if axis == 0 else f"{value.name}_{axis}"
