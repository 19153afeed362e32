"""Listens to what layers are given while a model runs, the same on every backend of Keras."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import keras
import numpy as np

from tfprune._keras import pack_inputs
from tfprune._progress import track
from tfprune.cloning.assemble import Weights, assemble, layers_by_path
from tfprune.cloning.insertion import BEFORE
from tfprune.cloning.state import kept_weights
from tfprune.graph import ChannelGraph
from tfprune.graph.nesting import own_weights
from tfprune.surgery.repair.task import Inputs

Hear = Callable[[np.ndarray], None]


@keras.saving.register_keras_serializable("tfprune")
class Ear(keras.layers.Layer):
    """Tells what passes through.

    Attributes:
        hear: called with each tensor as an array in float32; None where nobody listens.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(autocast=False, **settings)
        self.supports_masking = True
        self.hear: Hear | None = None

    def build(self, shape: Any) -> None:
        """Has no weights."""
        self.built = True

    def compute_output_spec(self, x: Any) -> Any:
        """What comes in goes out; nothing is heard while a graph is made."""
        return keras.KerasTensor(x.shape, x.dtype)

    def call(self, x: Any) -> Any:
        """Lets the tensor through."""
        if self.hear is not None:
            self.hear(keras.ops.convert_to_numpy(keras.ops.cast(x, "float32")))
        return x


class Listening:
    """A clone of a model with an ear in front of some of its layers.

    Args:
        graph: the traced model, which is left as it is.
        hosts: the paths of the layers to listen to.
        keep: (ids,) which channel ids stay. Defaults to all.
        weights: what replaces the model's weights. Defaults to nothing.

    Attributes:
        layers: the clone's layers by path.
    """

    def __init__(
        self,
        graph: ChannelGraph,
        hosts: Iterable[str],
        keep: np.ndarray | None = None,
        weights: Weights | None = None,
    ) -> None:
        ears = {host: Ear() for host in hosts}
        self._graph = graph
        self._keep = np.ones(len(graph.label), bool) if keep is None else keep
        self._model = assemble(graph.model, graph, self._keep, preceding=ears, weights=weights)
        self.layers = layers_by_path(self._model)
        self._ears = {host: self.layers[host + BEFORE] for host in ears}

    def run(
        self, batches: Iterable[Inputs], listeners: Mapping[str, Hear], description: str
    ) -> None:
        """Runs in inference mode, operation by operation, so that the ears hear values.

        Args:
            batches: what the model is given.
            listeners: by host a function that is called with what the host is given, call by call.
            description: of the work, for whoever watches.
        """
        for host, hear in listeners.items():
            self._ears[host].hear = hear
        model = self._as_far_as(*listeners)
        try:
            with _no_gradients():
                for batch in track(batches, description):
                    model(pack_inputs(self._model, batch), training=False)
        finally:
            for host in listeners:
                self._ears[host].hear = None

    @property
    def hears_once(self) -> bool:
        """Whether each ear stands at one place of the model itself."""
        return all(self._heard(host) is not None for host in self._ears)

    def _as_far_as(self, *hosts: str) -> Any:
        """What of the model runs before the hosts, or all of it."""
        heard = [self._heard(host) for host in hosts]
        if not heard or any(output is None for output in heard):
            return self._model
        whole = self._model
        first = whole.inputs[0] if isinstance(whole, keras.Sequential) else whole.input
        return keras.Model(first, heard)

    def _heard(self, host: str) -> Any:
        """What an ear lets through; None where it is not at one place of the model itself."""
        if "/" in host:
            return None
        try:
            return self._ears[host].output
        except ValueError:  # it is called at several places
            return None

    def update(self, weights: Weights, paths: Iterable[str]) -> None:
        """Gives layers of the clone their share of the weights that stand for the model's."""
        for path in paths:
            values = kept_weights(self._graph.records[path], self._keep, weights.get(path))
            for variable, value in zip(own_weights(self.layers[path]), values, strict=True):
                variable.assign(value)


def _no_gradients() -> AbstractContextManager[Any]:
    """PyTorch would keep every tensor for a backward pass."""
    if keras.backend.backend() != "torch":
        return nullcontext()
    import torch

    return torch.no_grad()
