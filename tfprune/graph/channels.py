"""Channel ids: handed out, united, pinned, and at the end sorted into classes."""

from dataclasses import dataclass

import numpy as np

Ids = np.ndarray


@dataclass(frozen=True)
class Classes:
    """Which channel ids live or die together, found once tracing is over.

    Attributes:
        label: (ids,) the class of each id: the smallest id in it.
        reason: (ids,) for each id the index in `reasons` of why its class is pinned, or -1.
        reasons: every reason to pin, in the order met.
        residual: (ids,) whether the id's class runs through an addition of two branches.
        part: (ids,) tells apart classes that are cut into different tensors.
    """

    label: np.ndarray
    reason: np.ndarray
    reasons: tuple[str, ...]
    residual: np.ndarray
    part: np.ndarray


class ChannelSpace:
    """The ids of one trace: a union-find that is resolved in one vectorised pass at the end."""

    def __init__(self) -> None:
        self._size = 0
        self._edges: list[tuple[np.ndarray, np.ndarray]] = []
        self._pins: list[tuple[np.ndarray, int]] = []
        self._reasons: dict[str, int] = {}
        self._residual: list[np.ndarray] = []
        self._parts: list[np.ndarray] = []

    def new(self, count: int) -> Ids:
        """Returns `count` fresh ids, each a class of its own."""
        ids = np.arange(self._size, self._size + count)
        self._size += count
        return ids

    def unite(self, first: Ids, second: Ids) -> None:
        """The ids that meet, position by position after broadcasting, become one class."""
        if first is not second:
            a, b = np.broadcast_arrays(first, second)
            self._edges.append((a.ravel(), b.ravel()))

    def pin(self, ids: Ids, reason: str) -> None:
        """The classes of `ids` must stay whole, and `reason` says why; the first reason counts."""
        self._pins.append((np.ravel(ids), self._reasons.setdefault(reason, len(self._reasons))))

    def mark_residual(self, ids: Ids) -> None:
        """The classes of `ids` are the width of a residual stream."""
        self._residual.append(np.ravel(ids))

    def separate(self, ids: Ids) -> None:
        """`ids` become a tensor of their own, of which something must stay."""
        self._parts.append(np.ravel(ids))

    def resolve(self) -> Classes:
        """Sorts every id into its class."""
        label = _components(self._size, self._edges)
        reason = np.full(self._size, len(self._reasons))
        for ids, index in self._pins:
            np.minimum.at(reason, label[ids], index)
        reason[reason == len(self._reasons)] = -1
        residual = np.zeros(self._size, bool)
        for ids in self._residual:
            residual[label[ids]] = True
        part = np.zeros(self._size, np.uint64)
        tokens = np.random.default_rng(2).integers(2**63, size=len(self._parts), dtype=np.uint64)
        for token, ids in zip(tokens, self._parts, strict=True):
            part[np.unique(label[ids])] += token
        return Classes(label, reason[label], tuple(self._reasons), residual[label], part[label])


def _components(size: int, edges: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Connected components by hooking to the smaller label and halving paths until at rest."""
    label = np.arange(size)
    if not edges:
        return label
    a = np.concatenate([edge[0] for edge in edges])
    b = np.concatenate([edge[1] for edge in edges])
    while True:
        left, right = label[a], label[b]
        open_ = left != right
        if not open_.any():
            return label
        a, b, left, right = a[open_], b[open_], left[open_], right[open_]
        np.minimum.at(label, np.maximum(left, right), np.minimum(left, right))
        while not np.array_equal(label, label[label]):
            label = label[label]
