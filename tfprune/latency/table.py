"""The latency of a pruned model, from measured latencies of its layers."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfprune._progress import track
from tfprune.errors import ModelError
from tfprune.latency.curve import Curve
from tfprune.latency.layers import Network, Sized, name_of
from tfprune.latency.sites import Layout
from tfprune.latency.staircase import Staircase
from tfprune.latency.store import Store
from tfprune.latency.surface import Surface, grid, surface
from tfprune.latency.timer import Timer
from tfprune.planning.keep import mask_of_groups

_SHARES = (0.7, 0.5, 0.35, 0.2, 0.1)
"""Of all widths, for the networks that every table is calibrated with."""

_TOGETHER = 8
_SETTLED = 0.02
_SAME = 0.05


class LatencyTable:
    """Predicts how long a model takes with only some of its channels.

    Three measurements stand behind a prediction, each of them kept in the table's file:

    1. **Layers.** Each distinct layer is timed alone at a few widths; between them it is
       interpolated, with widths rounded up to the steps at which the processor computes. The sum
       over the layers orders models, but is too small for large ones: a layer timed alone finds
       its weights in the cache.
    2. **Networks.** All layers of the model in a row in one file, at some widths: a curve from the
       sum to what the whole takes. `refine` adds the widths of a plan.
    3. **The model.** The unpruned model itself, converted, against the network of its layers: what
       a converter leaves between the layers. `learn` adds a pruned model.
    """

    def __init__(self, layout: Layout, stairs: Staircase, timer: Timer, store: Store) -> None:
        """Measures what the store does not hold yet.

        Args:
            layout: the model's layers.
            stairs: the widths at which the runtime's latency jumps.
            timer: times layers, networks and models.
            store: keeps what was measured.

        Raises:
            ModelError: the model has no layer that can be timed.
        """
        if not layout.sites:
            raise ModelError(
                "latency cannot be told: expected at least one convolution or Dense layer of one "
                "or two dimensions, found none"
            )
        self._layout, self._timer, self._store = layout, timer, store
        self._surfaces = _surfaces(layout, stairs, timer, store)
        self._all = np.ones(len(layout.graph.label), bool)
        self._whole = layout.network(self._all)
        self._shapes = name_of(self._whole)
        self._networks: list[Network] = [self._whole]
        self._network_ms(self._whole)
        for share in track(_SHARES, "timing networks"):
            self._add(layout.network(_scaled(layout, share)))
        if not self._models():
            self._measure(layout.graph.model, self._all)
        for model in self._models():
            self._add(self._with_widths(model["widths"]))
        self._leftover, self._curve = self._calibrated()

    def predict(self, keep: np.ndarray) -> float:
        """The milliseconds of the model with the channels that stay.

        Never rises when channels go.

        Args:
            keep: (ids,) which channel ids stay.
        """
        rest = self._leftover * self._layout.others_share(keep)
        return self._curve(self._sum(self._layout.network(keep))) + rest

    def refine(self, keep: np.ndarray) -> bool:
        """Times the network of these very widths; returns whether the prediction was off."""
        before = self.predict(keep)
        self._add(self._layout.network(keep))
        self._leftover, self._curve = self._calibrated()
        return abs(self.predict(keep) / before - 1) > _SETTLED

    def learn(self, model: Any, keep: np.ndarray) -> tuple[float, float]:
        """Times a Keras model, this one or the one pruned to `keep`, and learns from it.

        Args:
            model: the model.
            keep: (ids,) which channel ids of the unpruned model it has.

        Returns:
            Its milliseconds, and how slow the machine is now: the milliseconds of the network of
            its layers, timed in turns with it, over those in the table.
        """
        network = self._layout.network(keep)
        self._add(network)
        found = self._measure(model, keep)
        self._leftover, self._curve = self._calibrated()
        return found["model"], found["network"] / self._network_ms(network)

    def as_dict(self) -> dict[str, Any]:
        """What predictions hold for, as settings of a plan."""
        return {"runtime": self._timer.place}

    # ---- layers and networks -------------------------------------------------------

    def _sum(self, network: Network) -> float:
        return sum(
            surface.at(reads, makes)
            for surface, (_, reads, makes) in zip(self._surfaces, network, strict=True)
        )

    def _with_widths(self, widths: Sequence[tuple[int, int]]) -> Network:
        """The network of the model's layers with other numbers of channels."""
        sites = self._layout.sites
        return tuple(Sized(s.layer, *pair) for s, pair in zip(sites, widths, strict=True))

    def _network_ms(self, network: Network) -> float:
        name = name_of(network)
        if self._store.get("networks", name) is None:
            self._store.put("networks", {name: self._timer.network(network)})
        return float(self._store.get("networks", name))

    def _add(self, network: Network) -> None:
        """Measures a network, which takes the place of those that come to much the same.

        But for the unpruned one: what it takes is what every limit is compared with.
        """
        self._network_ms(network)
        x = self._sum(network)
        self._networks = [
            *(one for one in self._networks if one is self._whole or self._far(one, x)),
            network,
        ]

    def _far(self, network: Network, total: float) -> bool:
        return abs(self._sum(network) / total - 1) > _SAME

    # ---- the model itself ----------------------------------------------------------

    def _models(self) -> list[dict[str, Any]]:
        return self._store.get("models", self._shapes) or []

    def _measure(self, model: Any, keep: np.ndarray) -> dict[str, Any]:
        network = self._layout.network(keep)
        measured, beside = self._timer.beside(model, network)
        found = {
            "widths": [list(layer[1:]) for layer in network],
            "others": self._layout.others_share(keep),
            "model": measured,
            "network": beside,
        }
        old = [one for one in self._models() if one["widths"] != found["widths"]]
        self._store.put("models", {self._shapes: [*old, found]})
        return found

    def _calibrated(self) -> tuple[float, Curve]:
        """What layers take that cannot be timed alone, and the curve for all others."""
        models = self._models()
        leftover = 0.0
        if self._layout.others:
            leftover = max(0.0, models[0]["model"] - models[0]["network"])
        points = []
        for one in models:
            ratio = (one["model"] - leftover * one["others"]) / one["network"]
            points.append((math.log(self._sum(self._with_widths(one["widths"]))), max(ratio, 0.0)))
        x, ratios = np.array(sorted(points)).T
        knots = [(self._sum(one), self._network_ms(one)) for one in self._networks]
        return leftover, Curve.through(
            [(total, ms * float(np.interp(math.log(total), x, ratios))) for total, ms in knots]
        )


def _scaled(layout: Layout, share: float) -> np.ndarray:
    """Which ids stay when every group that can be pruned keeps the same share."""
    groups = [group for group in layout.graph.groups if group.prunable]
    kept = {group.name: np.arange(math.ceil(share * group.size)) for group in groups}
    return mask_of_groups(layout.graph, groups, kept)


def _surfaces(layout: Layout, stairs: Staircase, timer: Timer, store: Store) -> tuple[Surface, ...]:
    """Of each site its latency by width; layers of one shape are timed once."""
    grids = [grid(site.layer, *layout.spans(site), stairs) for site in layout.sites]
    times = _layer_times(
        [point for points in grids for row in points for point in row], timer, store
    )
    return tuple(
        surface(points, np.array([[times[point] for point in row] for row in points]), stairs)
        for points in grids
    )


def _layer_times(points: Sequence[Sized], timer: Timer, store: Store) -> Mapping[Sized, float]:
    wanted = list(dict.fromkeys(points))
    new = [point for point in wanted if store.get("layers", str(point)) is None]
    batches = [new[start : start + _TOGETHER] for start in range(0, len(new), _TOGETHER)]
    for batch in track(batches, "timing layers, eight at a time"):
        found = timer.layers([(point,) for point in batch])
        store.put("layers", {str(p): ms for p, ms in zip(batch, found, strict=True)})
    return {point: float(store.get("layers", str(point))) for point in wanted}
