"""Structured pruning for Keras 3: remove whole filters and units, prove it, ship it.

The public names load on first use, so `import tfprune` costs nothing and the parts that run on
a device (`tfprune.benchmark`) never load TensorFlow.

Example:
    >>> import tfprune
    >>> "rebuild" in tfprune.__all__
    True
"""

import importlib
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tfprune import callbacks, convert, criteria, datasets, latency, models, training
    from tfprune.costs import cost
    from tfprune.errors import TfpruneError
    from tfprune.graph.registry import register_rule
    from tfprune.graph.trace import trace
    from tfprune.planning.planner import plan
    from tfprune.planning.pruning_plan import PruningPlan
    from tfprune.planning.sensitivity import Sensitivity, sensitivity
    from tfprune.surgery.prune import prune
    from tfprune.surgery.rebuild import rebuild
    from tfprune.surgery.verify import verify
    from tfprune.timing.benchmark import benchmark
    from tfprune.training.cross_validation import cross_validate
    from tfprune.training.iterate import iterate

__all__ = [
    "PruningPlan",
    "Sensitivity",
    "TfpruneError",
    "__version__",
    "benchmark",
    "callbacks",
    "convert",
    "cost",
    "criteria",
    "cross_validate",
    "datasets",
    "iterate",
    "latency",
    "models",
    "plan",
    "prune",
    "rebuild",
    "register_rule",
    "sensitivity",
    "trace",
    "training",
    "verify",
]

try:
    __version__ = version("tfprune")
except PackageNotFoundError:  # run from a checkout that was never installed
    __version__ = "0+unknown"

_HOME = {
    "PruningPlan": "tfprune.planning.pruning_plan",
    "Sensitivity": "tfprune.planning.sensitivity",
    "TfpruneError": "tfprune.errors",
    "benchmark": "tfprune.timing.benchmark",
    "cost": "tfprune.costs",
    "cross_validate": "tfprune.training.cross_validation",
    "iterate": "tfprune.training.iterate",
    "plan": "tfprune.planning.planner",
    "prune": "tfprune.surgery.prune",
    "rebuild": "tfprune.surgery.rebuild",
    "register_rule": "tfprune.graph.registry",
    "sensitivity": "tfprune.planning.sensitivity",
    "trace": "tfprune.graph.trace",
    "verify": "tfprune.surgery.verify",
}
_ROOMS = frozenset(
    {"callbacks", "convert", "criteria", "datasets", "latency", "models", "training"}
)


def __getattr__(name: str) -> object:
    """Loads a public name from the module it lives in (PEP 562)."""
    if name in _ROOMS:
        return importlib.import_module(f"tfprune.{name}")
    if name in _HOME:
        value = getattr(importlib.import_module(_HOME[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'tfprune' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
