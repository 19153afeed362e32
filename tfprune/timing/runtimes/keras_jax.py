"""Keras on JAX."""

import os
from collections.abc import Callable
from typing import Any


def make() -> "Jax":
    """Returns the backend."""
    return Jax()


class Jax:
    """Operation by operation, or compiled by XLA."""

    def use_threads(self, threads: int) -> None:
        """Leaves the process so many cores: XLA takes as many threads as it finds cores."""
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])

    def ready(self, model: Any, given: Any, mode: str) -> Callable[[], None]:
        """Returns what runs the model once and waits for its outputs."""
        import jax

        # Weights are arguments: as constants of the program XLA would fold them for minutes.
        trained = [variable.value for variable in model.trainable_variables]
        others = [variable.value for variable in model.non_trainable_variables]

        def forward(trained: Any, others: Any, x: Any) -> Any:
            return model.stateless_call(trained, others, x, training=False)[0]

        called = jax.jit(forward) if mode == "xla" else forward
        return lambda: jax.block_until_ready(called(trained, others, given))

    def device(self) -> str:
        """Returns the kind of JAX's first device."""
        import jax

        kind = str(jax.devices()[0].device_kind)
        return kind.upper() if kind == "cpu" else kind

    def device_memory(self) -> int | None:
        """Returns the most bytes of the first device's memory taken so far."""
        import jax

        told = jax.devices()[0].memory_stats()
        return int(told["peak_bytes_in_use"]) if told else None
