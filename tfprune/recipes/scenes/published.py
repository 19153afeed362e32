"""The greedy cosine algorithm as its authors wrote it, to be timed and compared against ours.

Singh and Plumbley: loops over filters and pairs (Interspeech 2022); and their fast version, that
fills in similarities from nine columns (Nystrom; ICASSP 2023; nine are exact for 3 x 3 kernels).
Where distances tie both go by the filters' order: the published code leaves that to the machine's
sort.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tfprune.criteria.cosine import Cosine
from tfprune.recipes.common.extras import require

VGGISH_SHAPES = (
    (3, 3, 1, 64),
    (3, 3, 64, 128),
    (3, 3, 128, 256),
    (3, 3, 256, 256),
    (3, 3, 256, 512),
    (3, 3, 512, 512),
)


def by_loops(kernel: np.ndarray) -> list[int]:
    """What stays of a kernel: a decomposition a filter, a distance a pair."""
    distance = require("scipy.spatial.distance", "the published loops")
    prototypes = _prototypes(kernel)
    count = len(prototypes)
    distances = np.zeros((count, count))
    for i in range(count):
        for j in range(count):
            distances[i, j] = distance.cosine(prototypes[i], prototypes[j])
    return _greedy(distances)


def by_nystrom(kernel: np.ndarray) -> list[int]:
    """The same, with products with the first filters only, as many as a kernel has positions."""
    prototypes = _prototypes(kernel)
    count, columns = len(prototypes), min(len(prototypes), len(prototypes[0]))
    some = np.zeros((count, columns))
    for i in range(count):
        for j in range(columns):
            some[i, j] = np.dot(prototypes[i], prototypes[j])
    return _greedy(1 - some @ np.linalg.pinv(some[:columns]) @ some.T)


def by_us(kernel: np.ndarray) -> list[int]:
    """The same by `tfprune.criteria.Cosine`."""
    return Cosine().natural_kept(kernel).tolist()


WAYS: dict[str, Callable[[np.ndarray], list[int]]] = {
    "loops": by_loops,
    "nystrom": by_nystrom,
    "tfprune": by_us,
}


def timed(kernels: Sequence[np.ndarray], rounds: int = 3) -> dict[str, Any]:
    """Times the three on the same kernels, in turns.

    Args:
        kernels: (space, space, inputs, filters) each.
        rounds: of all three. Defaults to `3`.

    Returns:
        By way the median of seconds, least and most; and whether they kept the same filters.
    """
    by_us(kernels[0])  # what is read and set up once does not count
    spent: dict[str, list[float]] = {way: [] for way in WAYS}
    kept: dict[str, list[list[int]]] = {}
    for _ in range(rounds):
        for way, run in WAYS.items():
            began = time.perf_counter()
            kept[way] = [run(kernel) for kernel in kernels]
            spent[way].append(time.perf_counter() - began)
    figures = {
        way: {"seconds": statistics.median(all_), "least": min(all_), "most": max(all_)}
        for way, all_ in spent.items()
    }
    same = {way: found == kept["loops"] for way, found in kept.items()}
    return {"ways": figures, "same": same, "filters": sum(k.shape[-1] for k in kernels)}


def drawn(seed: int) -> list[np.ndarray]:
    """Kernels of the VGGish net's shapes."""
    generator = np.random.default_rng(seed)
    return [generator.normal(size=shape).astype(np.float32) for shape in VGGISH_SHAPES]


def _prototypes(kernel: np.ndarray) -> list[np.ndarray]:
    filters = kernel.reshape(-1, *kernel.shape[2:])
    found = []
    for i in range(kernel.shape[-1]):
        u, _, v = np.linalg.svd(filters[:, :, i])
        rank_one = np.outer(u[:, 0], v[0])
        found.append(rank_one[:, 0] / np.linalg.norm(rank_one[:, 0]))
    return found


def _greedy(distances: np.ndarray) -> list[int]:
    """Pairs by ascending distance, to five decimals: the first stays unless it was a second."""
    rounded = np.around(distances, 5)
    pairs = []
    for i in range(len(rounded)):
        nearest = next(j for j in np.argsort(rounded[i], kind="stable")[:2] if j != i)
        pairs.append((rounded[i, nearest], i, nearest))
    important: list[int] = []
    redundant: list[int] = []
    for _, i, nearest in sorted(pairs):
        if i not in redundant:
            important.append(i)
            redundant.append(nearest)
    return sorted(important)
