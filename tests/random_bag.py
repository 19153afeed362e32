"""What the steps of a random graph work on: tensors by kind, and a name for each step."""

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import numpy as np
from keras import layers

Step = Callable[["Bag"], Any]
STEPS: dict[str, Step] = {}
FAMILIES: dict[str, list[str]] = {}
# Steps that ask for no size in space or time: they also run on tensors of unknown size.
SIZELESS: list[str] = []

WIDEST, LARGEST, LONGEST = 16, 10, 40


def step(
    *, sizeless: bool | tuple[str, ...] = False, **variants: Any
) -> Callable[[Callable], Callable]:
    """Registers a step, or one for each variant, which it is then given.

    `sizeless` names the variants that need no size in space or time, or says it of all.
    """

    def register(function: Callable) -> Callable:
        family = function.__name__
        named = {f"{family}:{name}": partial(function, setting=v) for name, v in variants.items()}
        named = named or {family: function}
        STEPS.update(named)
        FAMILIES[family] = list(named)
        if sizeless:
            fit = sizeless if isinstance(sizeless, tuple) else variants or ("",)
            SIZELESS.extend(f"{family}:{name}".rstrip(":") for name in fit)
        return function

    return register


class Bag:
    """The tensors made so far; each step takes some and adds what it makes.

    Attributes:
        inputs: the model's inputs.
        images, sequences, vectors: tensors of rank 4, 3 and 2, in the order they were made.
        ends: tensors that must become outputs.
        rng: the step's own choices.
    """

    def __init__(self, size: int | None = 6, channels: int = 3) -> None:
        self.inputs = [keras.Input((size, size, channels), name="picture")]
        self.images: list[Any] = []
        self.sequences: list[Any] = []
        self.vectors: list[Any] = []
        self.ends: list[Any] = []
        self.rng = np.random.default_rng(0)
        self.put(conv(self.inputs[0], 6))

    def run(self, name: str, seed: int) -> None:
        """Takes one step."""
        self.rng = np.random.default_rng(seed)
        made = STEPS[name](self)
        for tensor in made if isinstance(made, list | tuple) else [made]:
            self.put(tensor)

    def put(self, x: Any) -> None:
        """Files a tensor, made small again if it grew."""
        kinds = {2: self.vectors, 3: self.sequences, 4: self.images}
        tensors = kinds[len(x.shape)]
        tensors.append(x)
        small = _smaller(x)
        if small is not x:
            self.put(small)

    def width(self, least: int = 2, most: int = 8) -> int:
        """A number of filters or units."""
        return int(self.rng.integers(least, most + 1))

    def choose(self, options: Any) -> Any:
        """One of several."""
        return options[self.rng.integers(len(options))]

    def image(self) -> Any:
        """The newest picture, or now and then an older one."""
        return self._newest(self.images)

    def roomy_image(self, least: int) -> Any:
        """A picture of at least so many rows and columns."""
        x = self.image()
        missing = max(0, least - min(x.shape[1:3]))
        return layers.ZeroPadding2D(((0, missing), (missing, 0)))(x) if missing else x

    def sequence(self) -> Any:
        """The newest sequence; where there is none the pixels of a picture, row by row."""
        if not self.sequences:
            self.put(self._first_sequence())
        return self._newest(self.sequences)

    def _first_sequence(self) -> Any:
        x = self.image()
        _, height, width, channels = x.shape
        if height is not None:
            return layers.Reshape((height * width, channels))(x)
        self.inputs.append(keras.Input((None, 4), name="steps"))
        self.ends.append(layers.Dense(6, "relu")(self.inputs[-1]))
        return self.ends[-1]

    def short(self, most: int = 8) -> Any:
        """A sequence of few steps, for layers that take their time."""
        x = self.sequence()
        return x if x.shape[1] is not None and x.shape[1] <= most else x[:, :most]

    def vector(self) -> Any:
        """The newest vector; where there is none the means of a picture."""
        if not self.vectors:
            self.put(layers.GlobalAveragePooling2D()(self.image()))
        return self._newest(self.vectors)

    def divisor(self, number: int) -> int:
        """A number that divides another."""
        return self.choose([d for d in range(1, number + 1) if number % d == 0])

    def like(self, x: Any, other: Any = None) -> Any:
        """Another picture of the shape of `x`, fitted by a convolution if need be."""
        other = self.choose(self.images) if other is None else other
        if other.shape[1:3] != x.shape[1:3]:
            other = x
        if other.shape[-1] != x.shape[-1] or other is x:
            other = layers.Conv2D(x.shape[-1], 1)(other)
        return other

    def _newest(self, tensors: list[Any]) -> Any:
        return tensors[-1] if self.rng.random() < 0.7 else self.choose(tensors)


def conv(x: Any, filters: int, size: int = 3, **settings: Any) -> Any:
    x = layers.Conv2D(filters, size, padding="same", **settings)(x)
    return layers.ReLU()(layers.BatchNormalization()(x))


def _smaller(x: Any) -> Any:
    rank = len(x.shape)
    if rank == 4 and None not in x.shape[1:3] and max(x.shape[1:3]) > LARGEST:
        return layers.MaxPooling2D(2, padding="same")(x)
    if rank == 4 and x.shape[-1] > WIDEST:
        return layers.Conv2D(6, 1)(x)
    if rank == 3 and x.shape[1] is not None and x.shape[1] > LONGEST:
        return layers.AveragePooling1D(2, padding="same")(x)
    if rank == 3 and x.shape[-1] > WIDEST:
        return layers.Dense(8)(x)
    if rank == 2 and x.shape[-1] > 4 * WIDEST:
        return layers.Dense(8, "tanh")(x)
    return x
