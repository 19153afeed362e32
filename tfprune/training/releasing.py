"""Memory of trained models that nobody holds any more.

On TensorFlow every training function asks the replica context to sum its gradients, by a function
with a gradient of its own, which TensorFlow enters in a table for good (`tf.custom_gradient` within
`ReplicaContext.all_reduce`). The table holds the function, that holds what it captured, and so each
model that was ever trained keeps its weights and its optimizer's slots until the process ends: a
loop of ten steps keeps ten nets three times over. Their values can be dropped, as here; the
function's graph stays, for there is no public way to the table.
"""

import weakref
from typing import Any

import keras

_MARK = "_tfprune_released_when_dropped"


def release_when_dropped(model: Any) -> None:
    """Has a trained model's memory given back once nobody holds its variables.

    Functions that were compiled of a model hold its variables weakly: they never outlive the model,
    here as elsewhere in TensorFlow. On other backends nothing is to be done.

    Args:
        model: trained; its variables and those of its optimizer are looked at.
    """
    if keras.backend.backend() != "tensorflow":
        return
    import tensorflow as tf

    optimizer = getattr(model, "optimizer", None)
    parts = tf.distribute.get_strategy().experimental_local_results
    for variable in (*model.variables, *getattr(optimizer, "variables", ())):
        for part in parts(variable.value):
            if isinstance(part, tf.Variable) and not hasattr(part, _MARK):
                setattr(part, _MARK, True)
                weakref.finalize(part, _empty, part.handle, part.dtype).atexit = False


def _empty(handle: Any, dtype: Any) -> None:
    """Puts a value of no size where a variable's was."""
    import tensorflow as tf

    with tf.init_scope():  # a function may be traced just now
        nothing = tf.zeros((0,), dtype)
        tf.raw_ops.AssignVariableOp(resource=handle, value=nothing, validate_shape=False)
