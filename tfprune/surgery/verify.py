"""The oracle: a pruned model must compute what the masked original computes."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from tfprune._keras import pack_inputs, to_numpy
from tfprune.errors import DataError
from tfprune.graph import ChannelGraph, trace
from tfprune.graph.network import operations, output_layers
from tfprune.planning import PruningPlan
from tfprune.planning.keep import keep_mask
from tfprune.surgery.assemble import assemble
from tfprune.surgery.rebuild import check_plan

_UNKNOWN_SIZE = 32


def verify(model: Any, small: Any, plan: PruningPlan, data: Any = None, seed: int = 0) -> float:
    """Measures how far a pruned model is from its masked original.

    In a copy of the original the weights that read removed channels are zeroed, so that those
    channels have no effect whatever the activations. Its outputs must be the pruned model's; a
    softmax or sigmoid at an output is left out on both sides, since it hides differences where it
    saturates.

    Args:
        model: the original, with the weights that `small` was cut from.
        small: the model that `rebuild` made of it, not trained since.
        plan: the plan between them.
        data: a batch of inputs (a list or dictionary for several). Defaults to two examples of
            seeded noise.
        seed: of the noise. Defaults to `0`.

    Returns:
        The largest relative error of any output: the largest difference over the largest
        absolute value. About 1e-6 where all is right in float32; infinite where an output is
        NaN in one of the models only.

    Raises:
        ModelError, PlanError: as `rebuild`.
        DataError: `small` does not take the original's inputs.

    Example:
        >>> import keras, tfprune
        >>> x = keras.Input((4,))
        >>> y = keras.layers.Dense(10, "sigmoid", name="hidden")(x)
        >>> model = keras.Model(x, keras.layers.Dense(2)(y))
        >>> plan = tfprune.plan(model, ratio=0.5)
        >>> tfprune.verify(model, tfprune.rebuild(model, plan), plan) < 1e-5
        True
    """
    graph = trace(model)
    check_plan(model, graph, plan)
    expected, received = ([tuple(x.shape) for x in m.inputs] for m in (model, small))
    if expected != received:
        raise DataError(
            f"expected a pruned model that takes {expected}, received one that takes {received}: "
            "pass the model that tfprune.rebuild returned"
        )
    batch = noise(model, seed) if data is None else data
    masked = mask_consumers(model, graph, keep_mask(graph, plan.kept))
    pruned = copy_of(small, trace(small))
    for one in (masked, pruned):
        lay_outputs_bare(one)
    return largest_error(_outputs(masked, batch), _outputs(pruned, batch))


def copy_of(model: Any, graph: ChannelGraph) -> Any:
    """A clone of a traced model with the same weights."""
    return assemble(model, graph, np.ones(len(graph.label), bool))


def lay_outputs_bare(model: Any) -> None:
    """Takes softmax and sigmoid off the outputs: where they saturate they hide a difference."""
    saturating = (keras.activations.softmax, keras.activations.sigmoid)
    by_name = operations(model)
    for name in output_layers(model):
        layer = by_name[name]
        if getattr(layer, "activation", None) in saturating:
            layer.activation = keras.activations.linear


def mask_consumers(model: Any, graph: ChannelGraph, keep: np.ndarray) -> Any:
    """A copy of the model in which nothing reads the removed channels."""
    copy = copy_of(model, graph)
    copied = trace(copy)
    for path, record in copied.records.items():
        for cut in graph.records[path].slices:
            gone = ~keep[cut.ids]
            if cut.role == "consumes" and gone.any():
                variable = record.operation.weights[cut.weight]
                value = to_numpy(variable)
                np.moveaxis(value, cut.axis, 0)[gone] = 0
                variable.assign(value)
    return copy


def noise(model: Any, seed: int, examples: int = 2) -> list[np.ndarray]:
    """Seeded inputs for a model: normal noise, or zeros and ones where it takes integers."""
    generator = np.random.default_rng(seed)
    batch = []
    for tensor in model.inputs:
        shape = [examples, *(size or _UNKNOWN_SIZE for size in tensor.shape[1:])]
        dtype = keras.backend.standardize_dtype(tensor.dtype)
        if "int" in dtype or dtype == "bool":
            batch.append(generator.integers(0, 2, shape).astype(dtype))
        else:
            batch.append(generator.normal(size=shape).astype("float32"))
    return batch


def _outputs(model: Any, batch: Any) -> list[np.ndarray]:
    flat = [batch] if isinstance(batch, np.ndarray) else keras.tree.flatten(batch)
    outputs = keras.tree.flatten(model(pack_inputs(model, flat), training=False))
    return [keras.ops.convert_to_numpy(output).astype(np.float64) for output in outputs]


def largest_error(expected: Sequence[np.ndarray], found: Sequence[np.ndarray]) -> float:
    """The largest relative error over all outputs."""
    errors = [0.0]
    for want, have in zip(expected, found, strict=True):
        difference = np.abs(want - have).max(initial=0.0)
        scale = np.abs(want).max(initial=0.0)
        error = difference / scale if scale > 0 else difference
        errors.append(float(error) if np.isfinite(error) else float("inf"))
    return max(errors)
