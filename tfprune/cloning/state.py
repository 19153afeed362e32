"""From a layer to its clone: the weights of the channels that stay, and what else it learned."""

import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from tfprune._keras import to_numpy, view_of
from tfprune.cloning.initializers import restore_initializers
from tfprune.errors import ModelError
from tfprune.graph.nesting import own_weights
from tfprune.graph.records import LayerRecord


class Share:
    """What one layer's clone gets of its weights, and which of them it has.

    Args:
        record: the original's trace.
        keep: (ids,) which channel ids stay.
        replaced: by index arrays of the original's size that stand for its own weights.
    """

    def __init__(
        self, record: LayerRecord, keep: np.ndarray, replaced: Mapping[int, np.ndarray]
    ) -> None:
        self._record, self._keep, self._replaced = record, keep, replaced
        self._weights = record.weights
        self._given: set[int] = set()

    @property
    def untouched(self) -> bool:
        """Whether the clone gets all that the original has."""
        whole = all(self._keep[cut.ids].all() for cut in self._record.slices)
        return whole and not self._replaced

    def shapes(self) -> list[tuple[int, ...]]:
        """The shapes that the clone's weights must have."""
        shapes = [list(weight.shape) for weight in self._weights]
        for cut in self._record.slices:
            shapes[cut.weight][cut.axis] = int(np.count_nonzero(self._keep[cut.ids]))
        return [tuple(shape) for shape in shapes]

    def value(self, index: int) -> np.ndarray:
        """A weight, or what replaces it, cut to the channels that stay.

        Never the original's own memory, which might end up as the clone's.
        """
        value = np.array(self._replaced[index]) if index in self._replaced else None
        for cut in self._record.slices:
            stays = self._keep[cut.ids]
            if cut.weight == index and not stays.all():
                value = view_of(self._weights[index]) if value is None else value
                value = np.compress(stays, value, axis=cut.axis)
        return to_numpy(self._weights[index]) if value is None else value

    def initializer(self, variable: Any) -> "Carried":
        """An initializer that gives the variable's share."""
        found = (i for i, weight in enumerate(self._weights) if weight is variable)
        return Carried(self, next(found, None))

    def draw(self, index: int, shape: tuple[int, ...]) -> np.ndarray | None:
        """The value for a weight that is being made; None where it is to have another shape."""
        value = self.value(index)
        if value.shape != shape:
            return None
        self._given.add(index)
        return value

    def give(self, variables: Sequence[Any]) -> None:
        """Assigns what the initializers have not given."""
        for index, variable in enumerate(variables):
            if index not in self._given:
                variable.assign(self.value(index))


class Carried(keras.initializers.Initializer):
    """Makes a variable with its final value; zeros where that does not fit."""

    def __init__(self, share: Share, index: int | None) -> None:
        self._share = share
        self._index = index

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        """The variable's value."""
        value = None if self._index is None else self._share.draw(self._index, tuple(shape))
        if value is None:
            return keras.ops.zeros(shape, dtype)
        return keras.ops.convert_to_tensor(value, dtype)

    def get_config(self) -> dict[str, Any]:
        """What it is made of: some layers copy their initializers through their configs."""
        return {"share": self._share, "index": self._index}


def carry_state(layer: Any, record: LayerRecord, share: Share) -> None:
    """Gives a clone its share of the original's state.

    Args:
        layer: the clone.
        record: the original's trace.
        share: what it gets.

    Raises:
        ModelError: the clone holds other weights than the original.
    """
    variables = own_weights(layer)
    expected, found = share.shapes(), [tuple(variable.shape) for variable in variables]
    if expected != found:
        raise ModelError(
            f"Keras makes a clone of '{record.path}' ({type(layer).__name__}) with the weights "
            f"{found}, expected {expected}: a layer must make all its weights when it is built, "
            "from its config alone (an activation with weights must be a layer of its own)"
        )
    share.give(variables)
    restore_initializers(layer, record.operation)
    # What a layer saves by itself holds all its weights too: those replaced must not come back.
    if share.untouched:
        _carry_extras(layer, record.operation)


def kept_weights(
    record: LayerRecord, keep: np.ndarray, replaced: Mapping[int, np.ndarray] | None = None
) -> Sequence[np.ndarray]:
    """The weights of a layer, or what replaces them, cut to the channels that stay."""
    share = Share(record, keep, replaced or {})
    return [share.value(index) for index in range(len(record.weights))]


def _carry_extras(layer: Any, original: Any) -> None:
    """What a layer saves by itself: the statistics of Normalization, a vocabulary."""
    plain, kind = keras.layers.Layer, type(original)
    if (kind.save_own_variables, kind.load_own_variables) != (
        plain.save_own_variables,
        plain.load_own_variables,
    ):
        store: dict[str, Any] = {}
        original.save_own_variables(store)
        layer.load_own_variables({name: _copied(value) for name, value in store.items()})
    if hasattr(original, "save_assets"):
        with tempfile.TemporaryDirectory() as folder:
            original.save_assets(folder)
            layer.load_assets(folder)


def _copied(value: Any) -> Any:
    """A value of its own: JAX takes the memory of what it trains, of whoever else has it too."""
    if isinstance(value, keras.Variable) or keras.ops.is_tensor(value):
        return keras.ops.copy(value)
    return value
