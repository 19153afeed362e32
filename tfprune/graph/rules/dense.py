"""Dense layers of any rank."""

import keras

from tfprune.graph.call import Call
from tfprune.graph.channels import Ids
from tfprune.graph.registry import rule
from tfprune.graph.rules.activation import activate
from tfprune.graph.rules.adapted import ADAPTED, is_adapted


@rule(keras.layers.Dense)
def dense(call: Call) -> Ids:
    """Units read the last axis; after Flatten that is the map laid out, in the map's own order."""
    layer = call.layer
    if is_adapted(layer):
        return call.opaque(ADAPTED)[0]
    units = call.make(layer.units)
    call.consume(layer.kernel, 0, call.read(axis=-1))
    call.produce(layer.kernel, 1, units)
    call.follow(layer.bias, 0, units)
    call.resize("units", units)
    call.work(layer.kernel, call.input.shape, range(1, len(call.input.shape) - 1))
    activate(call, units, layer.activation)
    return call.along(units)
