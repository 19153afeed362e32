"""Layers as a runtime sees them: what they do, at what size, with how many channels."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

Kind = Literal[
    "convolution",
    "transposed",
    "dense",
    "depthwise",
    "add",
    "sigmoid",
    "max_pool",
    "average_pool",
    "mean",
]
_PAIRED = {"depthwise", "add", "sigmoid", "max_pool", "average_pool", "mean"}


@dataclass(frozen=True)
class Layer:
    """What a layer does, but for its numbers of channels.

    The activation is left out: runtimes clamp the output of a convolution as they store it, so a
    ReLU costs nothing, and what cannot be fused is a layer of its own. So is the kind of padding.

    Attributes:
        kind: the operation.
        size: height and width of the output; of the input for "mean"; rows and 1 for "dense".
        kernel: height and width of the kernel or window.
        strides: down and across.
        dilation: down and across.
        groups: of a grouped convolution.
    """

    kind: Kind
    size: tuple[int, int]
    kernel: tuple[int, int] = (1, 1)
    strides: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1

    @property
    def paired(self) -> bool:
        """Whether it makes a fixed number of channels of each that it reads."""
        return self.kind in _PAIRED

    @property
    def tiled(self) -> bool:
        """Whether its filters are computed some at a time, as wide as the processor's registers."""
        return self.kind in ("convolution", "transposed", "dense")

    def __str__(self) -> str:
        parts = [self.kind, "x".join(map(str, self.size))]
        for name in ("kernel", "strides", "dilation"):
            value = getattr(self, name)
            if value != (1, 1):
                parts.append(f"{name} {value[0]}x{value[1]}")
        return " ".join([*parts, *([f"groups {self.groups}"] if self.groups > 1 else [])])


class Sized(NamedTuple):
    """A layer with the channels that it reads (of a group, if it has several) and makes."""

    layer: Layer
    reads: int
    makes: int

    def __str__(self) -> str:
        return f"{self.layer} {self.reads}>{self.makes}"


Network = tuple[Sized, ...]
"""Layers in the order in which they run."""


def name_of(network: Iterable[Sized]) -> str:
    """A short name: the layer itself if there is one, else a hash of all."""
    layers = [str(layer) for layer in network]
    if len(layers) == 1:
        return layers[0]
    return f"{len(layers)} layers {hashlib.sha256(chr(10).join(layers).encode()).hexdigest()[:16]}"
