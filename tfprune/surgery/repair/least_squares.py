"""What reads removed channels, fitted anew on what is left."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

import numpy as np

from tfprune._progress import track
from tfprune.cloning.assemble import Weights
from tfprune.costs import graph_cost
from tfprune.surgery.repair.bias import raise_biases
from tfprune.surgery.repair.listening import Listening
from tfprune.surgery.repair.normal_equations import NormalEquations
from tfprune.surgery.repair.readers import Reader, readers
from tfprune.surgery.repair.task import Inputs, Repaired, Task, replaced, value
from tfprune.surgery.repair.windows import Windows, has_windows, kernel_of, matrices

_ELEMENTS = 2**27  # of a layer's second moments: 1 GiB in float64
_HELD = 2**26  # of what layers are to make, held at a time: 256 MiB in float32
_AT_ONCE = 2**30  # bytes of what all layers make of all examples, for them to be one batch

Pick = Callable[[int, int, int], np.ndarray]


@dataclass(frozen=True)
class LeastSquares:
    """Fits each layer that reads removed channels to what it made before.

    The reconstruction step of He et al. 2017 (arXiv 1707.06168): with x the window of input that a
    layer reads for one output, w its kernel and b its bias in the original,

        minimise over W, B the mean of |x w + b - X W - B|^2 + ridge |W - w_kept|^2,

    in float64, over the examples and some positions of each. X is what the pruned net gives the
    layer, repaired up to there (as in the paper for a whole model), x what the original gives it:
    a layer also makes up for what those before it could not, and layers behind a pruned one that
    lost no input of their own are fitted too. Pulled towards the weights that were there, not
    towards zero, the fit makes no more error than they do on what it saw.

    Convolutions, grouped ones too, Dense layers and EinsumDense with one letter in and out are
    fitted; transposed and separable ones are repaired as by "bias". The pruned net runs once, each
    layer being fitted when it is its turn, if what its layers make of all examples takes no more
    than 1 GiB; otherwise it runs once for each fitted layer, as far as that.

    Attributes:
        ridge: how strongly the weights are held, as a share of the mean variance of the inputs.
        positions: how many outputs of each example to look at, at most (drawn with `seed`).
        examples: how many examples to look at, at most.
        seed: of the positions.
    """

    ridge: float = 1e-3
    positions: int = 32
    examples: int = 1024
    seed: int = 0
    name = "least_squares"

    def apply(self, task: Task, weights: Weights) -> Repaired:
        """See `Repair`."""
        found, others = readers(task, downstream=True)
        fitted = [reader for reader in found if has_windows(reader.layer)]
        rest = [r for r in found if not has_windows(r.layer) and not task.keep[r.cut.ids].all()]
        weights, unrepaired = raise_biases(task, weights, rest, self.examples)
        hosts = [reader.host for reader in fitted]
        original = Listening(task.graph, hosts)
        pruned = Listening(task.graph, hosts, task.keep, weights)
        batches = _batches(task, self.examples)
        in_passing = len(batches) == 1 and pruned.hears_once
        for some in self._in_turn(fitted):
            aims = self._aims(task, some, original, batches)
            runs = [some] if in_passing else [[reader] for reader in some]
            with closing(track(some, "least squares")) as shown:
                next(shown)
                for together in runs:
                    weights = self._fit(task, weights, together, pruned, batches, aims, shown)
        return Repaired(weights, others | unrepaired)

    def _in_turn(self, fitted: Sequence[Reader]) -> Iterator[list[Reader]]:
        """Cuts the readers into runs of which the outputs fit in memory."""
        some: list[Reader] = []
        held = 0
        for reader in fitted:
            size = self.examples * self.positions * _outputs(reader)
            if some and held + size > _HELD:
                yield some
                some, held = [], 0
            some.append(reader)
            held += size
        if some:
            yield some

    def _aims(
        self,
        task: Task,
        some: Sequence[Reader],
        original: Listening,
        batches: Sequence[Inputs],
    ) -> dict[str, list[np.ndarray]]:
        """What the original makes, without its bias, call by call: (groups, rows, outputs)."""
        aims: dict[str, list[np.ndarray]] = {reader.path: [] for reader in some}

        def listener(reader: Reader) -> Callable[[np.ndarray], None]:
            kernel = value(task, {}, reader.path, reader.cut.weight)
            matrix = matrices(reader.layer, kernel, reader.cut.axis).astype(np.float32)
            pick = self._pick(task, reader)

            def hear(x: np.ndarray) -> None:
                aims[reader.path].append(_rows(reader, x, pick) @ matrix)

            return hear

        listeners = {reader.host: listener(reader) for reader in some}
        original.run(batches, listeners, "least squares: the original")
        return aims

    def _fit(
        self,
        task: Task,
        weights: Weights,
        together: Sequence[Reader],
        pruned: Listening,
        batches: Sequence[Inputs],
        aims: dict[str, list[np.ndarray]],
        shown: Iterator[Reader],
    ) -> Weights:
        """Fits readers in one run of the pruned net, each before its last call is answered.

        What comes behind a reader is given the repaired values if that call is its only one.
        """

        def listener(reader: Reader) -> Callable[[np.ndarray], None]:
            fit: _Fit | None = None

            def hear(x: np.ndarray) -> None:
                nonlocal weights, fit
                fit = fit or _Fit(task, weights, reader, aims.pop(reader.path))
                fit.add(_rows(reader, x, pick))
                if fit.complete:
                    weights = fit.repaired(weights, self.ridge)
                    pruned.update(weights, fit.changes)
                    fit = None  # its moments are large
                    next(shown, None)

            pick = self._pick(task, reader)
            return hear

        pruned.run(batches, {one.host: listener(one) for one in together}, "least squares")
        return weights

    def _pick(self, task: Task, reader: Reader) -> Pick:
        """Draws which outputs of each example to look at, the same in every pass."""
        features = int(task.keep[reader.cut.ids].sum()) * _window(reader)
        fit = _ELEMENTS // (features * self.examples) if features**2 > _ELEMENTS else self.positions
        most = max(1, min(self.positions, fit))
        generator = np.random.default_rng(self.seed)

        def pick(examples: int, steps: int, count: int) -> np.ndarray:
            each = max(1, most // steps)
            if count <= each:
                return np.broadcast_to(np.arange(count), (examples * steps, count))
            return generator.integers(count, size=(examples * steps, each))

        return pick


class _Fit:
    """The least squares of one layer.

    Args:
        task: what is removed.
        weights: as they stand.
        reader: the layer.
        aims: what the original makes, call by call.
    """

    def __init__(
        self, task: Task, weights: Weights, reader: Reader, aims: list[np.ndarray]
    ) -> None:
        self._task, self._reader, self._due = task, reader, aims[::-1]
        self._kernel = value(task, weights, reader.path, reader.cut.weight)
        self._matrix = matrices(reader.layer, self._kernel, reader.cut.axis).astype(np.float64)
        self._stays = np.resize(task.keep[reader.cut.ids], self._matrix.shape[1])
        self._matrix[:, ~self._stays] = 0
        offset, self._drift = reader.offset, np.float64(0)
        if offset is not None:  # what earlier repairs added
            drift = offset.read(task, weights) - offset.read(task, {})
            self._drift = drift.reshape(len(self._matrix), 1, -1)
        self._equations = [
            NormalEquations(int(self._stays.sum()), self._matrix.shape[2], offset is not None)
            for _ in self._matrix
        ]

    @property
    def complete(self) -> bool:
        """Whether the layer was called as often as in the original."""
        return not self._due

    @property
    def changes(self) -> set[str]:
        """The paths of the layers of which weights change."""
        offset = self._reader.offset
        return {self._reader.path, offset.path if offset else self._reader.path}

    def add(self, rows: np.ndarray) -> None:
        """Takes what the pruned net gives the layer in one call, (groups, rows, features)."""
        missing = self._due.pop() - rows @ self._matrix[:, self._stays] - self._drift
        for each, group_rows, group_missing in zip(self._equations, rows, missing, strict=True):
            each.add(group_rows, group_missing)

    def repaired(self, weights: Weights, ridge: float) -> Weights:
        """Returns the weights with the layer's new kernel and offset."""
        reader = self._reader
        changes = [each.solve(ridge) for each in self._equations]
        self._matrix[:, self._stays] += np.stack([change for change, _ in changes])
        fitted = kernel_of(reader.layer, self._matrix, reader.cut.axis, self._kernel.shape)
        fitted = fitted.astype(self._kernel.dtype)
        weights = replaced(weights, reader.path, reader.cut.weight, fitted)
        if reader.offset is None:
            return weights
        constants = np.concatenate([constant for _, constant in changes])
        return reader.offset.add(self._task, weights, constants)


def _batches(task: Task, examples: int) -> list[Inputs]:
    """The first examples: one batch where what all layers make of it is known to fit in memory."""
    batches = list(task.first(examples))
    count = sum(len(batch[0]) for batch in batches)
    sizes = [size for tensor in task.graph.model.inputs for size in tensor.shape[1:]]
    fixed = any(tensor.shape[0] is not None for tensor in task.graph.model.inputs)
    if fixed or None in sizes or count * graph_cost(task.graph).activation_bytes > _AT_ONCE:
        return batches
    return [tuple(np.concatenate(arrays) for arrays in zip(*batches, strict=True))]


def _rows(reader: Reader, x: np.ndarray, pick: Pick) -> np.ndarray:
    given = reader.given(x)
    windows = Windows(reader.layer, given)
    return windows.rows(pick(len(x), len(given) // len(x), windows.count))


def _outputs(reader: Reader) -> int:
    kernel = reader.record.weights[reader.cut.weight]
    return int(np.prod(kernel.shape)) // len(reader.cut.ids) // _window(reader)


def _window(reader: Reader) -> int:
    return int(np.prod(getattr(reader.layer, "kernel_size", ())))
