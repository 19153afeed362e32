"""Traces a model once: channel maps flow through it, call by call."""

from typing import Any

import numpy as np

from tfprune.errors import ModelError
from tfprune.graph.call import Call, Ledger
from tfprune.graph.channel_graph import ChannelGraph
from tfprune.graph.channels import ChannelSpace
from tfprune.graph.fingerprint import fingerprint
from tfprune.graph.grouping import make_groups
from tfprune.graph.maps import Shape, Traced, varying
from tfprune.graph.network import (
    Node,
    TensorKey,
    check_model,
    is_model,
    output_layers,
    plain_config,
    read_network,
)
from tfprune.graph.registry import find_rule


def trace(model: Any) -> ChannelGraph:
    """Finds which channels of a model live or die together.

    Every tensor carries a map of the channel ids at its positions; layers and operations move,
    unite and read the maps, each by one small rule. Nothing is run and nothing is changed.

    Args:
        model: a built functional or Sequential `keras.Model`, nested models included.

    Returns:
        A `ChannelGraph`; print it for a table of its groups.

    Raises:
        ModelError: the model is subclassed, unbuilt, or uses one layer at two places of
            different nested models.

    Example:
        >>> import keras, tfprune
        >>> x = keras.Input((8, 8, 3), name="image")
        >>> y = keras.layers.Conv2D(4, 3, name="conv")(x)
        >>> y = keras.layers.Dense(2, name="head")(keras.layers.Flatten()(y))
        >>> graph = tfprune.trace(keras.Model(x, y))
        >>> [(group.name, group.size, group.prunable) for group in graph.groups]
        [('conv', 4, True), ('head', 2, False)]
    """
    check_model(model)
    config = plain_config(model)
    tracer = _Tracer()
    inputs = []
    for tensor in model.inputs:
        ids = tracer.space.new(1)
        tracer.space.pin(ids, f"model input '{tensor.name}'")
        inputs.append(Traced(tuple(tensor.shape), ids.reshape([1] * len(tensor.shape))))
    reasons = [f"model output '{name}'" for name in output_layers(model)]
    for reason in reasons:  # first in line: the first reason met is the one that is shown
        tracer.space.pin(np.empty(0, np.int64), reason)
    outputs = tracer.walk(model, config, inputs, prefix="")
    for reason, traced in zip(reasons, outputs, strict=True):
        tracer.space.pin(traced.ids, reason)
    classes = tracer.space.resolve()
    records = {path: ledger.record() for path, ledger in tracer.ledgers.items()}
    return ChannelGraph(
        groups=make_groups(records, classes),
        records=records,
        label=classes.label,
        fingerprint=fingerprint(config, records),
    )


class _Tracer:
    """The state of one trace: the channels met so far and what was said of each layer."""

    def __init__(self) -> None:
        self.space = ChannelSpace()
        self.ledgers: dict[str, Ledger] = {}
        self._paths: dict[int, str] = {}

    def walk(
        self, model: Any, config: dict[str, Any], inputs: list[Traced], prefix: str
    ) -> list[Traced]:
        """Carries maps from a model's inputs to its outputs."""
        network = read_network(model, config)
        nested = {entry["name"]: entry["config"] for entry in config["layers"] if "name" in entry}
        tensors = dict(zip(network.inputs, inputs, strict=True))
        shapes = _shapes_by_call(network.shapes)
        for node in network.nodes:
            reads = tuple(tensors[key] for key in node.reads)
            if is_model(node.operation):
                outputs = self._enter(node, nested.get(node.name), reads, prefix)
            else:
                outputs = self._call(node, reads, shapes.get((node.name, node.index), ()), prefix)
            for index, traced in enumerate(outputs):
                tensors[node.name, node.index, index] = traced
        return [tensors[key] for key in network.outputs]

    def _enter(
        self, node: Node, config: dict[str, Any] | None, reads: tuple[Traced, ...], prefix: str
    ) -> list[Traced]:
        """Walks through a nested model, whose inputs shrink with what it is given."""
        model, path = node.operation, prefix + node.name
        self._claim(model, path)
        config = config if config and "layers" in config else plain_config(model)
        for number, read in enumerate(reads):
            ledger = self._ledger(f"{path}/input:{number}", model)
            for axis in varying(read.ids):
                ledger.resize((axis,), read.ids.ravel())
        return self.walk(model, config, list(reads), path + "/")

    def _call(
        self, node: Node, reads: tuple[Traced, ...], shapes: tuple[Shape | None, ...], prefix: str
    ) -> list[Traced]:
        path = prefix + node.name
        self._claim(node.operation, path)
        ledger = self._ledger(path, node.operation)
        call = Call(ledger, reads, shapes, node.arguments, node.index)
        maps = find_rule(node.operation)(call)
        maps = [maps] if isinstance(maps, np.ndarray) else list(maps)
        outputs = [
            Traced(shape if shape is not None else (None,) * ids.ndim, ids)
            for shape, ids in zip(shapes, maps, strict=False)  # the last ones may go unread
        ]
        ledger.returned(
            [out for out, shape in zip(outputs, shapes, strict=False) if shape is not None]
        )
        return outputs

    def _ledger(self, path: str, operation: Any) -> Ledger:
        return self.ledgers.setdefault(path, Ledger(path, operation, self.space))

    def _claim(self, operation: Any, path: str) -> None:
        """One layer at two places would be two layers after rebuilding: refuse it by name."""
        known = self._paths.setdefault(id(operation), path)
        if known != path:
            raise ModelError(
                f"the layer '{operation.name}' stands at two places of nested models, '{known}' "
                f"and '{path}': expected each layer in one model; flatten the nesting or copy "
                "the layer"
            )


def _shapes_by_call(
    shapes: dict[TensorKey, Shape],
) -> dict[tuple[str, int], tuple[Shape | None, ...]]:
    """Shapes of each call's outputs by index; None for those that nothing reads."""
    known: dict[tuple[str, int], dict[int, Shape]] = {}
    for (name, call, output), shape in shapes.items():
        known.setdefault((name, call), {})[output] = shape
    return {
        key: tuple(by_output.get(index) for index in range(max(by_output) + 1))
        for key, by_output in known.items()
    }
