"""What a criterion is: scores for the filters and units of each layer."""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import numpy as np

from tfprune._keras import to_numpy
from tfprune.graph import ChannelGraph
from tfprune.graph.records import LayerRecord


@runtime_checkable
class Criterion(Protocol):
    """Anything with a name that scores filters and units; the lowest are removed first."""

    @property
    def name(self) -> str:
        """The name that plans and tables show."""

    def score(self, graph: ChannelGraph) -> Mapping[str, np.ndarray]:
        """Scores every layer that makes channels.

        Args:
            graph: the traced model; `graph.records[path].operation` is the layer.

        Returns:
            For each path of `graph.filters()` one finite score a filter or unit.
        """


class WeightCriterion:
    """A criterion that looks at one kernel at a time.

    A subclass gives `name` and `score_kernel`, and is done.

    Example:
        >>> import numpy as np
        >>> from tfprune.criteria import WeightCriterion
        >>> class LargestWeight(WeightCriterion):
        ...     name = "largest_weight"
        ...     def score_kernel(self, kernel):
        ...         return np.abs(kernel).max(axis=0)
        >>> LargestWeight().score_kernel(np.array([[1.0, -5.0], [2.0, 3.0]]))
        array([2., 5.])
    """

    name: str

    def score_kernel(self, kernel: np.ndarray) -> np.ndarray:
        """Scores filters.

        Args:
            kernel: (inputs, filters), all axes but the filters' laid out in one.

        Returns:
            (filters,) scores.
        """
        raise TypeError(f"{type(self).__name__} must define score_kernel(kernel)")

    def score(self, graph: ChannelGraph) -> dict[str, np.ndarray]:
        """Scores every layer that makes channels by its kernel; the bias does not count."""
        return {path: self.score_kernel(_kernel(graph.records[path])) for path in graph.filters()}


def _kernel(record: LayerRecord) -> np.ndarray:
    """The producing weight of a layer as (inputs, filters)."""
    cut = next(cut for cut in record.slices if cut.role == "produces")
    kernel = to_numpy(record.operation.weights[cut.weight])
    if cut.axis != kernel.ndim - 1:
        kernel = np.moveaxis(kernel, cut.axis, -1)
    return kernel.reshape(-1, kernel.shape[-1])
