"""The result of a trace: groups of channels that must go together."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfprune.graph.records import LayerRecord


@dataclass(frozen=True)
class Producer:
    """A layer whose filters or units are members of a group.

    Attributes:
        path: the layer's path in the model.
        positions: (size, k) for each channel of the group the layer's filters or units in it;
            k is 1 but for layers of which several filters share a channel.
    """

    path: str
    positions: np.ndarray


@dataclass(frozen=True)
class Group:
    """Channels made and read by the same layers; each lives or dies in all of them at once.

    Attributes:
        name: the path of its first producer, with "#2" and so on where that has several groups.
        channels: (size,) the class of each channel.
        producers: the layers whose filters or units are its members.
        consumers: the layers that read it.
        pinned: why it must stay whole; None where it can be pruned.
        residual: whether it is the width of a residual stream.
    """

    name: str
    channels: np.ndarray
    producers: tuple[Producer, ...]
    consumers: tuple[str, ...]
    pinned: str | None
    residual: bool

    @property
    def size(self) -> int:
        """Number of channels."""
        return len(self.channels)

    @property
    def prunable(self) -> bool:
        """Whether channels of it can be removed."""
        return self.pinned is None

    @property
    def members(self) -> int:
        """Filters and units that go with one channel."""
        return sum(producer.positions.shape[1] for producer in self.producers)


@dataclass(frozen=True)
class ChannelGraph:
    """What can be removed from a model, and what goes with it.

    Attributes:
        groups: every group of filters and units, in the order of the model.
        records: what was traced of each layer, by path.
        label: (ids,) the class of each channel id.
        fingerprint: a short name for the model's structure.
    """

    groups: tuple[Group, ...]
    records: Mapping[str, LayerRecord]
    label: np.ndarray
    fingerprint: str

    @property
    def unknown(self) -> dict[str, str]:
        """Layers that the tracer does not see through, by path, with the reason."""
        return {path: record.note for path, record in self.records.items() if record.note}

    def filters(self) -> dict[str, int]:
        """Number of filters or units of each layer that makes channels, by path."""
        totals: dict[str, int] = {}
        for group in self.groups:
            for producer in group.producers:
                totals[producer.path] = totals.get(producer.path, 0) + producer.positions.size
        return totals

    def prunable_share(self) -> float:
        """Share of all filters and units that can be removed."""
        total = sum(group.size * group.members for group in self.groups)
        free = sum(group.size * group.members for group in self.groups if group.prunable)
        return free / total if total else 0.0

    def as_dict(self) -> dict[str, Any]:
        """The groups as plain values, for JSON."""
        return {
            "fingerprint": self.fingerprint,
            "prunable_share": self.prunable_share(),
            "groups": [
                {
                    "name": group.name,
                    "size": group.size,
                    "producers": [producer.path for producer in group.producers],
                    "consumers": list(group.consumers),
                    "pinned": group.pinned,
                    "residual": group.residual,
                }
                for group in self.groups
            ],
            "unknown": self.unknown,
        }

    def __str__(self) -> str:
        from tfprune.report.tables import render

        rows = [
            [
                group.name,
                group.size,
                _names(producer.path for producer in group.producers),
                _names(group.consumers),
                group.pinned or ("residual stream" if group.residual else ""),
            ]
            for group in self.groups
        ]
        table = render(["group", "size", "made by", "read by", "kept whole because"], rows)
        return f"{table}\n{self.prunable_share():.1%} of the filters and units can be removed"


def _names(paths: Any, most: int = 3) -> str:
    """The first few names and how many more there are."""
    found = list(paths)
    more = f" +{len(found) - most}" if len(found) > most else ""
    return ", ".join(found[:most]) + more
