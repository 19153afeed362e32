"""What pruning does while a model trains, for TensorBoard and for tables."""

import os
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

import keras

from tfprune.callbacks.csv_log import CsvLog
from tfprune.callbacks.filter_pruning import FilterPruning
from tfprune.costs import graph_cost
from tfprune.criteria import L2
from tfprune.errors import MissingExtraError, PlanError
from tfprune.graph import ChannelGraph, trace


class PruningLogger(keras.callbacks.Callback):
    """Writes after each epoch what is silent: to TensorBoard, to a CSV file, or both.

    To TensorBoard go the share of filters and units that are silent, what the rebuilt model would
    cost, the channels that each group keeps, histograms of the L2 norms of each layer's filters,
    and of the scores when there are new ones. They are written by `tf.summary`, which needs
    TensorFlow and the package tensorboard (`pip install tensorboard`), whatever the backend of
    Keras is.

    To the CSV file goes one line an epoch: epoch, share silenced, parameters and MACs of the
    rebuilt model, the channels that each group keeps ("kept conv1"), and the metrics of `fit`. A
    file of an earlier training of the same model is continued, so that an epoch that was trained
    again stands there twice: the later line counts.

    Args:
        pruning: the callback that prunes in the same `fit`.
        log_dir: the folder for TensorBoard. Defaults to `None`.
        csv: the CSV file. Defaults to `None`; one of the two is needed.
        histograms: whether TensorBoard gets histograms too. Defaults to `True`.

    Raises:
        PlanError: neither a folder nor a file is given.
        MissingExtraError: TensorFlow or tensorboard is missing.
        FileError: (when `fit` starts) the CSV file cannot be written, or is something else.

    Example:
        >>> import keras, numpy as np, pathlib, tempfile, tfprune
        >>> model = keras.Sequential(
        ...     [keras.Input((4,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(1)]
        ... )
        >>> model.compile("sgd", "mse")
        >>> pruning = tfprune.callbacks.FilterPruning(ratio=0.75)
        >>> x, y = np.ones((8, 4)), np.ones((8, 1))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     log = pathlib.Path(folder, "pruning.csv")
        ...     logger = tfprune.callbacks.PruningLogger(pruning, csv=log)
        ...     _ = model.fit(x, y, epochs=2, verbose=0, callbacks=[pruning, logger])
        ...     [line.split(",")[:2] for line in log.read_text().splitlines()]
        [['epoch', 'silenced'], ['0', '0.75'], ['1', '0.75']]
    """

    def __init__(
        self,
        pruning: FilterPruning,
        log_dir: str | os.PathLike[str] | None = None,
        csv: str | os.PathLike[str] | None = None,
        *,
        histograms: bool = True,
    ) -> None:
        super().__init__()
        if log_dir is None and csv is None:
            raise PlanError("expected a place to write to, received none: log_dir=... or csv=...")
        if log_dir is not None:
            _check_tensorboard()
        self._pruning = pruning
        self._log_dir = log_dir
        self._csv = csv
        self._histograms = histograms
        self.reset()

    def reset(self) -> None:
        """Forgets what it has written; files are left as they are."""
        self._graph: ChannelGraph | None = None
        self._table: CsvLog | None = None
        self._writer: Any = None
        self._scores: Mapping[str, Any] | None = None  # those that are written

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Opens what it writes to."""
        self._graph = trace(self.model)
        if self._csv is not None:
            self._table = CsvLog(self._csv, ["epoch", *self._numbers(self._graph)])
        if self._log_dir is not None:
            import tensorflow as tf

            self._writer = tf.summary.create_file_writer(os.fspath(self._log_dir))

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Writes a line and a point."""
        if self._graph is None:
            raise PlanError("expected to be called by fit: pass the callback to model.fit")
        numbers = self._numbers(self._graph)
        if self._table is not None:
            self._table.append({"epoch": epoch, **numbers, **_metrics(logs or {})})
        if self._writer is not None:
            self._summarise(epoch, numbers, self._graph)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Closes what it wrote to."""
        if self._writer is not None:
            self._writer.close()
        self._table = self._writer = None

    def _numbers(self, graph: ChannelGraph) -> dict[str, float]:
        """What is silent now, by the name of its column."""
        plan = self._pruning.plan
        costs = plan.after if plan else graph_cost(graph).totals()
        kept = {group.name: group.kept for group in plan.groups} if plan else {}
        return {
            "silenced": self._pruning.silenced,
            "parameters": costs["parameters"],
            "macs": costs["macs"],
            **{f"kept {one.name}": kept.get(one.name, one.size) for one in graph.groups},
        }

    def _summarise(self, epoch: int, numbers: dict[str, float], graph: ChannelGraph) -> None:
        import tensorflow as tf

        with self._writer.as_default(step=epoch):
            for name, value in numbers.items():
                tf.summary.scalar(f"pruning/{name.replace('kept ', 'kept/')}", value)
            if self._histograms:
                _ = self.model  # on JAX the weights are in the model once it is asked for
                for path, norms in L2().score(graph).items():
                    tf.summary.histogram(f"norms/{path}", norms)
                if self._pruning.scores is not self._scores:
                    self._scores = self._pruning.scores
                    for name, scores in self._scores.items():
                        tf.summary.histogram(f"scores/{name}", scores)
        self._writer.flush()


def _metrics(logs: Mapping[str, Any]) -> dict[str, float | None]:
    """What `fit` logs, with room for validation that this epoch has not had."""
    found = {name: float(value) for name, value in sorted(logs.items())}
    if any(name.startswith("val_") for name in found):
        return {**found}
    return {**found, **{f"val_{name}": None for name in found}}


def _check_tensorboard() -> None:
    missing = [name for name in ("tensorflow", "tensorboard") if find_spec(name) is None]
    if missing:
        raise MissingExtraError(
            f"expected TensorFlow and tensorboard for log_dir, found no {' nor '.join(missing)}: "
            f"pip install {' '.join(missing)}, or write a CSV file instead: csv=..."
        )
