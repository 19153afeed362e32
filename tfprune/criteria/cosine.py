"""Filters that point the same way: of a similar pair one is redundant."""

import numpy as np

from tfprune.criteria.directions import top_directions
from tfprune.criteria.kernels import as_matrices, blocks, each_layer
from tfprune.graph import ChannelGraph

# As in the published code: what differs less is a tie, so that rounding decides nothing.
_DECIMALS = 5


class Cosine:
    """The greedy, passive similarity criterion of Singh & Plumbley.

    (Interspeech 2022, arXiv 2203.15751; ICASSP 2023, arXiv 2210.17416; and their public code.)
    Filter i is a matrix A_i of positions by input channels with singular vectors u1, v1. Its
    prototype is p_i = sign(v1[0]) u1, and D_ij = 1 - p_i . p_j, to five decimals as published.
    Filters are visited by ascending distance to their nearest neighbour: a filter stays unless
    it was marked redundant before, and one that stays marks its nearest neighbour. What never
    stayed is pruned.

    That gives a ratio of its own (`natural_kept`). The scores continue it both ways: a filter
    marked in round 1 at a distance d scores 1 + d / 4, so a smaller ratio takes the closest
    pairs first; then the same algorithm runs on those that stayed, and what round r marks scores
    r + d / 4. So those that score 2 or more are the natural kept set.

    What the papers leave open:

    - Ties: of filters at equal distances the first comes first, as visited and as neighbour. The
      two of a pair that are each other's nearest always tie, so of these the first stays.
    - A filter is not its own neighbour, even where others are equal to it.
    - Filters of zeros have no direction: they take no part, score 0 and go first. Where there
      are no others, the first stays.
    - v1[0] = 0: the sign of the first entry of v1 that is not zero.
    - 1x1 convolutions, units of Dense layers and all that is no convolution: there the prototype
      would be one sign, so p_i is the whole filter divided by its length.

    Example:
        >>> import numpy as np
        >>> from tfprune.criteria.cosine import Cosine
        >>> kernel = np.array([[1.0, 0.0, 2.0, 1.0], [0.0, 1.0, 0.1, 1.0]])
        >>> Cosine().natural_kept(kernel)
        array([0, 1, 3])
        >>> Cosine().score_kernel(kernel).round(2)
        array([4.  , 3.25, 1.  , 2.07])
    """

    name = "cosine"
    normalizer = "none"  # rounds and distances mean the same in every layer

    def score(self, graph: ChannelGraph) -> dict[str, np.ndarray]:
        """Scores every layer that makes channels by its kernel; the bias does not count."""
        return each_layer(graph, self.score_kernel)

    def natural(self, graph: ChannelGraph) -> dict[str, np.ndarray]:
        """What the algorithm keeps where no ratio is asked for.

        Returns:
            For each path of `graph.filters()` the filters or units that stay, ascending.
        """
        stays = each_layer(graph, _stays)
        return {path: np.flatnonzero(mask) for path, mask in stays.items()}

    def natural_kept(self, kernel: np.ndarray) -> np.ndarray:
        """What the algorithm keeps of one kernel.

        Args:
            kernel: (*space, inputs, filters) of a convolution, or (inputs, units).

        Returns:
            The filters that stay, ascending.
        """
        return np.flatnonzero(_stays(as_matrices(kernel)))

    def score_kernel(self, kernel: np.ndarray) -> np.ndarray:
        """Scores filters.

        Args:
            kernel: (*space, inputs, filters) of a convolution, or (inputs, units).

        Returns:
            (filters,) scores: the round that removes a filter, and a quarter of the distance.
        """
        distance, alive = _distances(as_matrices(kernel))
        nearest = distance.argmin(axis=1)
        scores = np.zeros(len(alive))
        number = 1
        while alive.sum() > 1:
            stays, marked = _visit(distance, nearest, alive)
            gone = alive & ~stays
            scores[gone] = number + marked[gone] / 4
            distance[:, gone] = np.inf
            bereft = stays & gone[nearest]
            nearest[bereft] = distance[bereft].argmin(axis=1)
            alive, number = stays, number + 1
        scores[alive] = max(number, 2)
        return scores


def _stays(kernel: np.ndarray) -> np.ndarray:
    """(filters,) whether the algorithm keeps them; there is always one that it does."""
    distance, directed = _distances(kernel)
    if directed.sum() > 1:
        return _visit(distance, distance.argmin(axis=1), directed)[0]
    directed[:1] |= not directed.any()
    return directed


def _visit(
    distance: np.ndarray, nearest: np.ndarray, alive: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """One round over the filters that are `alive`.

    Returns:
        (filters,) whether they stay, and the distance at which they were first marked.
    """
    filters = np.flatnonzero(alive)
    closest = distance[filters, nearest[filters]]
    order = np.argsort(closest, kind="stable")
    stays, marked = np.zeros(len(alive), bool), np.full(len(alive), np.inf)
    for one, apart in zip(filters[order].tolist(), closest[order].tolist(), strict=True):
        if marked[one] == np.inf:
            stays[one] = True
            marked[nearest[one]] = min(marked[nearest[one]], apart)
    return stays, marked


def nearest_distances(kernel: np.ndarray) -> np.ndarray:
    """How far each filter is from the one that points most like it.

    Args:
        kernel: (*space, inputs, filters) of a convolution, or (inputs, units).

    Returns:
        (filters,) 1 - p_i . p_j, in 0..2; infinite of a filter of zeros, or of a single one.

    Example:
        >>> import numpy as np
        >>> nearest_distances(np.array([[1.0, 0.0, 2.0], [0.0, 1.0, 0.0]]))
        array([0., 1., 0.])
    """
    return _distances(as_matrices(kernel))[0].min(axis=1)


def _distances(kernel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distances D, infinite where there is no neighbour; and which filters are not zero.

    Args:
        kernel: (space, inputs, filters).
    """
    similarity, directed = _flat(kernel[0]) if len(kernel) == 1 else _rank_one(kernel)
    distance = np.around(1 - similarity, _DECIMALS)
    distance[~directed] = np.inf
    distance[:, ~directed] = np.inf
    np.fill_diagonal(distance, np.inf)
    return distance, directed


def _rank_one(kernel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Products of the prototypes of filters (space, inputs, filters)."""
    filters = np.moveaxis(kernel, -1, 0)
    prototypes = np.concatenate(
        [
            top_directions(filters[part].astype(np.float64))
            for part in blocks(len(filters), filters[0].size)
        ]
    )
    return prototypes @ prototypes.T, np.asarray(prototypes.any(axis=1))


def _flat(kernel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Products of the columns of (inputs, filters), each divided by its length."""
    inputs, filters = kernel.shape
    products = np.zeros((filters, filters))
    for part in blocks(inputs, filters):
        rows = kernel[part].astype(np.float64)
        products += rows.T @ rows
    length = np.sqrt(np.diag(products))
    directed: np.ndarray = length > 0
    divisor = np.where(directed, length, 1)
    return products / np.outer(divisor, divisor), directed
