"""What an optimizer remembers of each weight, cut as the weights are."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from tfprune._keras import to_numpy
from tfprune.cloning.assemble import layers_by_path
from tfprune.cloning.state import Share
from tfprune.errors import ModelError
from tfprune.graph import ChannelGraph
from tfprune.graph.nesting import own_weights

Place = tuple[str, int]
Slot = tuple[str, int, str]


@dataclass(frozen=True)
class OptimizerState:
    """What one fine-tuning leaves to the next.

    Attributes:
        slots: by the layer's path, the weight's index in it and the slot's name ("momentum") the
            arrays, shaped as the weight.
        counters: by name all else that the optimizer counts, but its learning rate.
        learning_rate: of an optimizer without a schedule, when it stopped; None if not known.
        position: steps of its schedule that were taken.
    """

    slots: Mapping[Slot, np.ndarray] = field(default_factory=dict)
    counters: Mapping[str, np.ndarray] = field(default_factory=dict)
    learning_rate: float | None = None
    position: int = 0

    def cut(self, graph: ChannelGraph, keep: np.ndarray) -> "OptimizerState":
        """The state for the model rebuilt with only some channels.

        Args:
            graph: the trace of the model that the state is of.
            keep: (ids,) which channel ids stay.
        """
        slots = {
            (path, index, name): Share(graph.records[path], keep, {index: value}).value(index)
            for (path, index, name), value in self.slots.items()
        }
        return OptimizerState(slots, self.counters, self.learning_rate, self.position)


def weights_by_place(model: Any) -> dict[Place, Any]:
    """Every weight of a model by its layer's path and its index in it."""
    return {
        (path, index): weight
        for path, layer in layers_by_path(model).items()
        for index, weight in enumerate(own_weights(layer))
    }


def innermost(optimizer: Any) -> Any:
    """The optimizer that moves the weights, inside one that scales the loss."""
    return getattr(optimizer, "inner_optimizer", optimizer)


def read_state(model: Any, optimizer: Any) -> OptimizerState:
    """Slots and counters of an optimizer.

    Args:
        model: whose weights it moves.
        optimizer: the optimizer; one that was not used yet has no state.

    Raises:
        ModelError: it remembers something that is neither shaped as a weight nor a number.
    """
    slots, counters = {}, {}
    for name, variable in _named(model, optimizer):
        if isinstance(name, tuple):
            slots[name] = to_numpy(variable)
        elif not name.startswith("learning_rate"):
            counters[name] = to_numpy(variable)
    return OptimizerState(slots, counters)


def write_state(model: Any, optimizer: Any, state: OptimizerState) -> None:
    """Gives a new optimizer the slots and counters that it shares with another's state."""
    optimizer.build(model.trainable_variables)
    for name, variable in _named(model, optimizer):
        value = state.slots.get(name) if isinstance(name, tuple) else state.counters.get(name)
        if value is not None:
            variable.assign(value)


def _named(model: Any, optimizer: Any) -> Iterator[tuple[Slot | str, Any]]:
    """Each of the optimizer's variables with the weight and slot, or the name, that it stands for.

    Keras names a slot after the weight's path, and two layers of nested models may have the same:
    those come in the order of the weights.
    """
    owners: dict[str, list[Place]] = {}
    shapes = {}
    place_of = {id(weight): place for place, weight in weights_by_place(model).items()}
    for weight in model.trainable_variables:
        if id(weight) in place_of:
            place = place_of[id(weight)]
            owners.setdefault(weight.path.replace("/", "_"), []).append(place)
            shapes[place] = tuple(weight.shape)
    if isinstance(innermost(optimizer), keras.optimizers.Nadam):
        raise _not_carried(optimizer, "it multiplies up its momenta where nobody can read them")
    taken: dict[str, int] = {}
    for variable in optimizer.variables:
        number = taken[variable.name] = taken.get(variable.name, -1) + 1
        prefix = max((p for p in owners if variable.name.startswith(f"{p}_")), key=len, default="")
        shape = tuple(variable.shape)
        if prefix and number < len(owners[prefix]) and shape == shapes[owners[prefix][number]]:
            yield (*owners[prefix][number], variable.name[len(prefix) + 1 :]), variable
        elif shape == ():
            yield f"{variable.name}:{number}", variable
        else:
            what = f"'{variable.name}' of shape {shape} is neither shaped as a weight nor a number"
            raise _not_carried(optimizer, what)


def _not_carried(optimizer: Any, why: str) -> ModelError:
    return ModelError(
        f"expected an optimizer whose state can be carried over, received "
        f"{type(innermost(optimizer)).__name__} ({why}): use another, or carry_optimizer=False"
    )


@keras.saving.register_keras_serializable("tfprune")
class Shifted(keras.optimizers.schedules.LearningRateSchedule):
    """A learning-rate schedule that begins elsewhere.

    Args:
        schedule: the schedule.
        shift: added to the number of the step.
    """

    def __init__(self, schedule: Any, shift: int) -> None:
        super().__init__()
        self.schedule, self.shift = schedule, shift

    def __call__(self, step: Any) -> Any:
        """The learning rate of a step."""
        return self.schedule(step + self.shift)

    def get_config(self) -> dict[str, Any]:
        """What it is made of."""
        schedule = keras.saving.serialize_keras_object(self.schedule)
        return {"schedule": schedule, "shift": self.shift}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Shifted":
        """Makes it of what `get_config` returned."""
        return cls(keras.saving.deserialize_keras_object(config["schedule"]), config["shift"])


def schedule_of(optimizer: Any) -> Any:
    """The optimizer's learning-rate schedule; None where it has a number instead."""
    config = innermost(optimizer).get_config()["learning_rate"]
    if not isinstance(config, dict):
        return None
    found = keras.saving.deserialize_keras_object(config)
    return found if isinstance(found, keras.optimizers.schedules.LearningRateSchedule) else None


def learning_rate_of(optimizer: Any) -> float | None:
    """The learning rate; None where a schedule or a function makes it."""
    found = innermost(optimizer).get_config()["learning_rate"]
    return float(found) if isinstance(found, int | float) else None


def iterations_of(optimizer: Any) -> int:
    """How many steps the optimizer took."""
    return int(keras.ops.convert_to_numpy(innermost(optimizer).iterations))
