"""A Keras model written as a SavedModel with its names kept: what converters read."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

SIGNATURE = "serving_default"


def input_names(model: "keras.Model") -> tuple[str, ...]:
    """Returns the inputs' names as a signature can spell them: letters, digits, underscores."""
    return _unique([re.sub(r"\W", "_", tensor.name) for tensor in model.inputs])


def output_names(model: "keras.Model") -> tuple[str, ...]:
    """Returns the outputs' names: a dict's keys, else those of the layers that make them.

    Where two are the same, the second gets a number.
    """
    import keras

    if isinstance(model, keras.Sequential):
        return (model.layers[-1].name,)
    if isinstance(model.output, dict) and len(model.output) == len(model.outputs):
        return tuple(sorted(model.output))  # the order in which Keras flattens a dict
    return _unique(list(model.output_names))


def call_by_name(model: "keras.Model", inputs: Sequence[Any]) -> dict[str, Any]:
    """Returns the model's outputs by name for `inputs` in the order of `model.inputs`."""
    import keras

    from tfprune._keras import pack_inputs

    outputs = keras.tree.flatten(model(pack_inputs(model, inputs), training=False))
    return dict(zip(output_names(model), outputs, strict=True))


def export(model: "keras.Model", folder: Path, shapes: Sequence[Sequence[int | None]]) -> None:
    """Writes `model` to `folder` as a SavedModel of one signature.

    For LiteRT all sizes are fixed, the batch's too: an open batch puts shape arithmetic into the
    graph before each Flatten, which splits what its fast kernels take as one, and keeps recurrent
    layers from converting at all.

    Args:
        model: a built model; it is left as it was.
        folder: where to write.
        shapes: the shape of each input, batch first; None for sizes left open.
    """
    import keras
    import tensorflow as tf

    specs = [
        tf.TensorSpec(shape, tensor.dtype, name=name)
        for shape, tensor, name in zip(shapes, model.inputs, input_names(model), strict=True)
    ]
    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint(
        SIGNATURE, lambda inputs: call_by_name(model, inputs), input_signature=[specs]
    )
    archive.write_out(str(folder), verbose=False)


def layer_names(model: "keras.Model") -> set[str]:
    """Returns the names of all layers, those of nested models too."""
    found = set()
    for layer in model.layers:
        found.add(layer.name)
        if hasattr(layer, "layers"):
            found |= layer_names(layer)
    return found


def loops(folder: Path) -> list[str]:
    """Returns the paths of the loops in the SavedModel at `folder`, such as "net/lstm/while"."""
    from tensorflow.core.protobuf import saved_model_pb2

    content = (folder / "saved_model.pb").read_bytes()
    graph = saved_model_pb2.SavedModel.FromString(content).meta_graphs[0].graph_def
    nodes = (node for function in graph.library.function for node in function.node_def)
    return [node.name for node in nodes if node.op in ("While", "StatelessWhile")]


def _unique(names: list[str]) -> tuple[str, ...]:
    taken: list[str] = []
    for name in names:
        candidate, number = name, 0
        while candidate in taken:
            number += 1
            candidate = f"{name}_{number}"
        taken.append(candidate)
    return tuple(taken)
