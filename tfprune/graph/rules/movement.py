"""Layers that move values about: the map is moved the same way, and so comes out right."""

import keras
import numpy as np

from tfprune.graph.call import Call
from tfprune.graph.channels import Ids
from tfprune.graph.maps import along
from tfprune.graph.registry import rule


@rule(keras.layers.Flatten)
def flatten(call: Call) -> Ids:
    """All but the batch axis laid out in one, in the layer's own order."""
    ids = call.expand()
    if ids is None:
        return call.opaque("it flattens an axis of unknown size")[0]
    if call.layer.data_format == "channels_first" and ids.ndim > 2:
        ids = np.moveaxis(ids, 1, -1)
    return ids.reshape(1, -1)


@rule(keras.layers.Reshape)
def reshape(call: Call) -> Ids:
    """The map takes the new shape; sizes in the target that count channels shrink with them."""
    ids = call.expand()
    shape = call.output_shape
    if ids is None or None in shape[1:]:
        return call.opaque("it reshapes an axis of unknown size")[0]
    ids = call.box(ids.reshape((1, *shape[1:])))  # type: ignore[arg-type]
    for axis, size in enumerate(call.layer.target_shape):
        if size != -1 and ids.shape[axis + 1] != 1:
            call.resize(("target_shape", axis), ids.ravel())
    return ids


@rule(keras.layers.Permute)
def permute(call: Call) -> Ids:
    """Axes change places."""
    return np.transpose(call.input.ids, (0, *call.layer.dims))


@rule(keras.layers.RepeatVector)
def repeat_vector(call: Call) -> Ids:
    """(batch, features) to (batch, n, features)."""
    return along(call.read(-1), 2, 3)
