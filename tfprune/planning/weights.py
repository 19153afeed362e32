"""Weights that no plan can be made from."""

import numpy as np

from tfprune._keras import to_numpy
from tfprune.errors import ModelError
from tfprune.graph import ChannelGraph


def check_weights(graph: ChannelGraph) -> None:
    """Raises `ModelError`, naming the layer, if a weight holds NaN or infinite values."""
    for path, record in graph.records.items():
        for weight in getattr(record.operation, "weights", ()):
            values = to_numpy(weight)
            # A sum is NaN or infinite if any value is, and needs no array of booleans.
            if values.dtype.kind not in "iub" and not np.isfinite(values.sum(dtype=np.float64)):
                raise ModelError(
                    f"expected finite weights, received NaN or infinite values in "
                    f"'{weight.name}' of the layer '{path}': the training diverged; load an "
                    "earlier checkpoint"
                )
