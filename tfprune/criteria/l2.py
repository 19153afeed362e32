"""L2 norm of the weights."""

import numpy as np

from tfprune.criteria.base import WeightCriterion


class L2(WeightCriterion):
    """s_j = sqrt(sum W[..., j]^2) (Atmaja et al., ICITEE 2022: filters and Dense neurons alike)."""

    name = "l2"

    def score_kernel(self, kernel: np.ndarray) -> np.ndarray:
        """The L2 norm of each column of (inputs, filters)."""
        wide = kernel.astype(np.float32, copy=False)
        # einsum squares and sums in one pass, without a copy of the kernel.
        return np.sqrt(np.einsum("if,if->f", wide, wide)).astype(np.float64)
