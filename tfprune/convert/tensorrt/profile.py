"""The sizes that an engine is built for: the least, the usual and the largest of each input."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfprune.convert.samples import Example
from tfprune.errors import ConversionError

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Profile:
    """The shapes of all inputs, batch first, in the order of the inputs.

    Attributes:
        least: the smallest that the engine must take.
        usual: the ones it is tuned for.
        largest: the largest that it must take.
    """

    least: tuple[Shape, ...]
    usual: tuple[Shape, ...]
    largest: tuple[Shape, ...]

    @property
    def open(self) -> bool:
        """Whether any size may vary."""
        return self.least != self.largest

    @property
    def all(self) -> tuple[tuple[Shape, ...], ...]:
        """The three, each once."""
        return tuple(dict.fromkeys((self.usual, self.least, self.largest)))


def make_profile(
    names: Sequence[str],
    shapes: Sequence[Sequence[int | None]],
    least: Any,
    usual: Any,
    largest: Any,
) -> Profile:
    """Returns a profile, checked against the model's inputs.

    Args:
        names: of the inputs.
        shapes: of the inputs, None where a size is open.
        least, usual, largest: a shape for a single input, or a dict or list of one an input; None
            for those of a batch of 1. `usual` defaults to `largest`, `least` to `usual`.

    Raises:
        ConversionError: a shape does not fit its input, or they are not in order.

    Example:
        >>> make_profile(["x"], [(None, 4)], None, (8, 4), (32, 4)).least
        ((8, 4),)
    """
    ones = None if any(None in shape[1:] for shape in shapes) else [(1, *s[1:]) for s in shapes]
    given = [one for one in (largest, usual, least) if one is not None]
    if not given and ones is None:
        raise ConversionError(
            f"the inputs {list(names)} leave sizes open, {[tuple(s) for s in shapes]}: pass "
            "min_shapes, opt_shapes and max_shapes"
        )
    top = _shapes(names, shapes, given[0] if given else ones, "max_shapes")
    middle = _shapes(names, shapes, usual, "opt_shapes") if usual is not None else top
    bottom = _shapes(names, shapes, least, "min_shapes") if least is not None else middle
    for name, low, mid, high in zip(names, bottom, middle, top, strict=True):
        if not all(a <= b <= c for a, b, c in zip(low, mid, high, strict=True)):
            raise ConversionError(
                f"expected min_shapes <= opt_shapes <= max_shapes for input {name!r}, received "
                f"{low}, {mid}, {high}"
            )
    return Profile(bottom, middle, top)


def _shapes(
    names: Sequence[str], wanted: Sequence[Sequence[int | None]], given: Any, role: str
) -> tuple[Shape, ...]:
    if isinstance(given, Mapping):
        if set(given) != set(names):
            raise ConversionError(f"expected {role} for {list(names)}, received {sorted(given)}")
        several = [given[name] for name in names]
    elif len(names) == 1 and all(isinstance(size, int) for size in given):
        several = [given]
    else:
        several = list(given)
    if len(several) != len(names):
        raise ConversionError(f"expected {role} for {list(names)}, received {len(several)} shapes")
    for name, shape, known in zip(names, several, wanted, strict=True):
        fits = len(shape) == len(known) and all(
            size > 0 and want in (None, size) for size, want in zip(shape, known, strict=True)
        )
        if not fits:
            raise ConversionError(
                f"expected {role} of the form {tuple(known)} for input {name!r}, received "
                f"{tuple(shape)}"
            )
    return tuple(tuple(shape) for shape in several)


def filled(shapes: Sequence[Shape], examples: Sequence[Example], seed: int = 0) -> Example:
    """Returns arrays of these shapes: examples over and over where they fit, else random ones."""
    draw = np.random.default_rng(seed)
    arrays = []
    for place, shape in enumerate(shapes):
        parts = [example[place] for example in examples]
        if parts and all(part.shape[1:] == shape[1:] for part in parts):
            rows = np.concatenate(parts)
            arrays.append(np.resize(rows, shape).astype(rows.dtype))
        else:
            kind = parts[0].dtype if parts else np.float32
            arrays.append(draw.normal(size=shape).astype(kind))
    return tuple(arrays)


def batched(examples: Sequence[Example], size: int) -> list[Example]:
    """Returns whole batches of the examples, the last one filled up from the first ones."""
    batches = []
    for begin in range(0, len(examples), size):
        rows = [examples[place % len(examples)] for place in range(begin, begin + size)]
        batches.append(tuple(np.concatenate(parts) for parts in zip(*rows, strict=True)))
    return batches
