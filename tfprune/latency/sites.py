"""From a traced model to the layers that its runtime will run."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tfprune.costs import graph_cost
from tfprune.errors import ModelError
from tfprune.graph import ChannelGraph
from tfprune.graph.maps import Traced, varying
from tfprune.graph.records import LayerRecord
from tfprune.latency.layers import Kind, Layer, Network, Sized
from tfprune.latency.surface import Span


@dataclass(frozen=True)
class Site:
    """A layer at its place in a model.

    Attributes:
        layer: what it does.
        reads: the channel ids that it reads (of the first group, if it has several).
        makes: those that it makes.
    """

    layer: Layer
    reads: np.ndarray
    makes: np.ndarray

    def sized(self, keep: np.ndarray) -> Sized:
        """The layer with the channels that stay."""
        reads, makes = np.count_nonzero(keep[self.reads]), np.count_nonzero(keep[self.makes])
        return Sized(self.layer, int(reads), int(makes))


@dataclass(frozen=True)
class Layout:
    """What of a model takes time.

    Attributes:
        graph: the traced model.
        sites: the layers that can be timed by themselves, in the model's order.
        others: records of layers that cannot, but multiply and accumulate: recurrent layers,
            attention, convolutions in three dimensions.
        fixed: (ids,) the channels that cannot be removed.
    """

    graph: ChannelGraph
    sites: tuple[Site, ...]
    others: Mapping[str, LayerRecord]
    fixed: np.ndarray

    def network(self, keep: np.ndarray) -> Network:
        """The layers with the channels that stay."""
        return tuple(site.sized(keep) for site in self.sites)

    def spans(self, site: Site) -> tuple[Span, Span]:
        """The numbers of channels that a site may come to, read and made."""
        reads, makes = (
            Span(int(np.count_nonzero(self.fixed[ids])), len(ids))
            for ids in (site.reads, site.makes)
        )
        return reads, makes

    def others_share(self, keep: np.ndarray) -> float:
        """The share of the other layers' multiply-accumulates that is left; 1 without any."""
        if not self.others:
            return 1.0
        graph = replace(self.graph, records=self.others)
        return graph_cost(graph, keep).macs / max(graph_cost(graph).macs, 1)


def read_layout(graph: ChannelGraph) -> Layout:
    """Finds the layers of a model that take time.

    Layers that a converter folds into others (batch normalization, ReLU, padding, Flatten) are
    left out.

    Args:
        graph: the traced model.

    Raises:
        ModelError: an input leaves sizes open.
    """
    for tensor in graph.model.inputs:
        if None in tensor.shape[1:]:
            raise ModelError(
                f"latency needs fixed sizes, but the input '{tensor.name}' leaves some open, "
                f"{tuple(tensor.shape)}: build the model for the size it will run at"
            )
    sites: list[Site] = []
    others = {}
    for path, record in graph.records.items():
        found = _sites(record)
        # What the rule below makes of a layer must do the work that the trace counted.
        if sum(map(_macs, found)) == _counted(record):
            sites += found
        else:
            others[path] = record
    free = [group.channels for group in graph.groups if group.prunable]
    fixed = ~np.isin(graph.label, np.concatenate(free)) if free else np.ones_like(graph.label, bool)
    return Layout(graph, tuple(sites), others, fixed)


def _counted(record: LayerRecord) -> int:
    """Multiply-accumulates of the unpruned layer."""
    return sum(
        (work.positions or 0)
        * (1 if work.weight is None else math.prod(record.weights[work.weight].shape))
        * math.prod(len(ids) for ids in work.factors)
        for work in record.work
    )


def _macs(site: Site) -> int:
    layer, filters = site.layer, len(site.makes)
    if layer.kind in ("convolution", "dense"):
        return math.prod(layer.size) * math.prod(layer.kernel) * len(site.reads) * filters
    if layer.kind == "depthwise":
        return math.prod(layer.size) * math.prod(layer.kernel) * filters
    if layer.kind == "transposed":
        size = (-(-s // step) for s, step in zip(layer.size, layer.strides, strict=True))
        return math.prod(size) * math.prod(layer.kernel) * len(site.reads) * filters
    return 0


def _sites(record: LayerRecord) -> list[Site]:
    """The sites of all calls of a layer; none where it takes no time or is not known."""
    operation = record.operation
    kind = type(operation)
    if kind.__module__.split(".")[0] != "keras":
        return []
    rule = _RULES.get(kind.__name__, _nothing)
    found = []
    for output in record.outputs:
        placed = _placed(output, operation)
        if placed is not None:
            found += rule(record, *placed)
            found += _unfused(operation, *placed)
    return found


def _placed(output: Traced, operation: Any) -> tuple[tuple[int, int], np.ndarray] | None:
    """Height and width of a tensor, and the ids of its channels."""
    axes = varying(output.ids)
    if len(axes) > 1 or None in output.shape[1:] or len(output.shape) < 2:
        return None
    first = getattr(operation, "data_format", None) == "channels_first"
    axis = axes[0] if axes else (1 if first else len(output.shape) - 1)
    space = [int(size or 1) for a, size in enumerate(output.shape) if a not in (0, axis)]
    height = 1 if len(space) == 1 else math.prod(space[:-1])
    ids = np.broadcast_to(output.ids.ravel(), (int(output.shape[axis] or 1),))
    return (height, space[-1] if space else 1), ids


def _ids(record: LayerRecord, variable: Any, axis: int) -> np.ndarray | None:
    """The channels along an axis of one of the layer's weights."""
    for cut in record.slices:
        if record.weights[cut.weight] is variable and cut.axis % len(variable.shape) == axis:
            return cut.ids
    return None


def _pair(value: Any) -> tuple[int, int]:
    """Height and width of a setting that may be one number, or that of one dimension."""
    values = (value,) if isinstance(value, int) else tuple(value)
    return (1, int(values[0])) if len(values) == 1 else (int(values[0]), int(values[1]))


Size = tuple[int, int]


def _nothing(record: LayerRecord, size: Size, ids: np.ndarray) -> list[Site]:
    return []


def _convolution(record: LayerRecord, size: Size, ids: np.ndarray) -> list[Site]:
    layer = record.operation
    reads = _ids(record, layer.kernel, len(layer.kernel.shape) - 2)
    shape = (_pair(layer.kernel_size), _pair(layer.strides), _pair(layer.dilation_rate))
    if reads is None:  # one channel a group: the kernel has no axis for what it reads
        times = layer.filters // layer.groups
        return [Site(Layer("depthwise", size, *shape), ids[::times], ids)]
    return [Site(Layer("convolution", size, *shape, layer.groups), reads, ids)]


def _transposed(record: LayerRecord, size: Size, ids: np.ndarray) -> list[Site]:
    layer = record.operation
    reads = _ids(record, layer.kernel, len(layer.kernel.shape) - 1)
    shape = (_pair(layer.kernel_size), _pair(layer.strides))
    return [] if reads is None else [Site(Layer("transposed", size, *shape), reads, ids)]


def _depthwise(record: LayerRecord, size: Size, ids: np.ndarray) -> list[Site]:
    layer = record.operation
    shape = (_pair(layer.kernel_size), _pair(layer.strides), _pair(layer.dilation_rate))
    return [Site(Layer("depthwise", size, *shape), ids[:: layer.depth_multiplier], ids)]


def _separable(record: LayerRecord, size: Size, ids: np.ndarray) -> list[Site]:
    layer = record.operation
    axis = len(layer.pointwise_kernel.shape) - 2
    between = _ids(record, layer.pointwise_kernel, axis)
    if between is None:
        return []
    return [
        *_depthwise(record, size, between),
        Site(Layer("convolution", size), between, ids),
    ]


def _dense(record: LayerRecord, size: Size, ids: np.ndarray) -> list[Site]:
    reads = _ids(record, record.operation.kernel, 0)
    return [] if reads is None else [Site(Layer("dense", (math.prod(size), 1)), reads, ids)]


def _pool(kind: Kind) -> Callable[[LayerRecord, Size, np.ndarray], list[Site]]:
    def rule(record: LayerRecord, size: Size, ids: np.ndarray) -> list[Site]:
        layer = record.operation
        return [Site(Layer(kind, size, _pair(layer.pool_size), _pair(layer.strides)), ids, ids)]

    return rule


def _mean(record: LayerRecord, size: Size, ids: np.ndarray) -> list[Site]:
    try:
        shape = record.operation.input.shape
    except (AttributeError, ValueError):  # called more than once: the calibration covers it
        return []
    axis = 1 if record.operation.data_format == "channels_first" else len(shape) - 1
    space = [size for a, size in enumerate(shape) if a not in (0, axis)]
    return [] if None in space else [Site(Layer("mean", (math.prod(space), 1)), ids, ids)]


def _elementwise(kind: Kind) -> Callable[[LayerRecord, Size, np.ndarray], list[Site]]:
    def rule(record: LayerRecord, size: Size, ids: np.ndarray) -> list[Site]:
        return [Site(Layer(kind, size), ids, ids)]

    return rule


_FUSED = {"linear", "relu", "relu6", "softmax", None}


def _unfused(operation: Any, size: Size, ids: np.ndarray) -> list[Site]:
    """An activation that no convolution can do as it stores its output."""
    activation = getattr(operation, "activation", None)
    if getattr(activation, "__name__", None) in _FUSED or not callable(activation):
        return []
    return [Site(Layer("sigmoid", size), ids, ids)]


_ADDING: tuple[str, ...] = (
    "Add",
    "Subtract",
    "Multiply",
    "Maximum",
    "Minimum",
    "Average",
    "Concatenate",
)
_ADDING += ("UpSampling2D", "PReLU", "LeakyReLU", "LeakyRelu", "Rescaling", "Normalization")
_RULES: dict[str, Callable[[LayerRecord, Size, np.ndarray], list[Site]]] = {
    **{f"Conv{rank}D": _convolution for rank in (1, 2)},
    **{f"DepthwiseConv{rank}D": _depthwise for rank in (1, 2)},
    **{f"SeparableConv{rank}D": _separable for rank in (1, 2)},
    **{f"Conv{rank}DTranspose": _transposed for rank in (1, 2)},
    **{f"MaxPooling{rank}D": _pool("max_pool") for rank in (1, 2)},
    **{f"AveragePooling{rank}D": _pool("average_pool") for rank in (1, 2)},
    **{f"Global{kind}Pooling{rank}D": _mean for rank in (1, 2) for kind in ("Average", "Max")},
    **dict.fromkeys(_ADDING, _elementwise("add")),
    **dict.fromkeys(("Sigmoid", "Silu", "HardSwish", "Tanh", "Gelu"), _elementwise("sigmoid")),
    "Dense": _dense,
}
