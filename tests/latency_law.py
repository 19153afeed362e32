"""A runtime whose law is known, and that counts what it is asked to time."""

from collections import Counter
from collections.abc import Callable

import numpy as np

import tfprune
from tfprune.latency.layers import Network, Sized
from tfprune.latency.sites import read_layout


def macs_law(sized: Sized, step: int = 8) -> float:
    """Microseconds an operation, and so much a multiply-accumulate, in steps of filters."""
    layer, reads, makes = sized
    up = -(-makes // step) * step if layer.tiled else makes
    positions = layer.size[0] * layer.size[1] * layer.kernel[0] * layer.kernel[1]
    return 1e-3 + 1e-7 * positions * (up if layer.paired else reads * up)


class FakeTimer:
    """Times by a law; a model takes what its layers take, and as much again for each `extra`."""

    def __init__(
        self,
        law: Callable[[Sized], float] = macs_law,
        place: str = "fake",
        cold: float = 0.0,
        extra: float = 0.0,
    ) -> None:
        self.place = place
        self.law = law
        self.cold = cold
        self.extra = extra
        self.timed: Counter[str] = Counter()

    def layers(self, networks: list[Network]) -> list[float]:
        self.timed.update(str(one[0]) for one in networks)
        return [sum(map(self.law, one)) for one in networks]

    def network(self, network: Network) -> float:
        self.timed[f"network {hash(network)}"] += 1
        return self.truth(network)

    def truth(self, network: Network) -> float:
        """More than the sum, and the more so the more there is: weights fall out of caches."""
        total = sum(map(self.law, network))
        return total * (1 + self.cold * total)

    def beside(self, model, network: Network) -> tuple[float, float]:
        self.timed[f"model {hash(network)}"] += 1
        return self.model_ms(model), self.truth(network)

    def model_ms(self, model) -> float:
        graph = tfprune.trace(model)
        network = read_layout(graph).network(np.ones(len(graph.label), bool))
        return self.truth(network) * (1 + self.extra)
