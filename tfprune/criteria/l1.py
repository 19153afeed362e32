"""L1 norm of the weights."""

import numpy as np

from tfprune.criteria.base import WeightCriterion


class L1(WeightCriterion):
    """s_j = sum |W[..., j]| (Li et al. 2017, arXiv 1608.08710, section 3.1)."""

    name = "l1"

    def score_kernel(self, kernel: np.ndarray) -> np.ndarray:
        """The L1 norm of each column of (inputs, filters)."""
        return np.abs(kernel).sum(axis=0, dtype=np.float64)
