"""Keras on TensorFlow."""

from collections.abc import Callable
from typing import Any


def make() -> "TensorFlow":
    """Returns the backend."""
    return TensorFlow()


class TensorFlow:
    """Eager, `tf.function`, or `tf.function` compiled by XLA."""

    def use_threads(self, threads: int) -> None:
        """Sets the threads of an operation; operations run one after another."""
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)

    def ready(self, model: Any, given: Any, mode: str) -> Callable[[], None]:
        """Returns what runs the model once and waits for its outputs."""
        import tensorflow as tf

        def forward(x: Any) -> Any:
            return model(x, training=False)

        called = forward if mode == "eager" else tf.function(forward, jit_compile=mode == "xla")

        def run() -> None:
            # Copied to the host, a tensor is computed: nothing else waits for a GPU.
            for output in tf.nest.flatten(called(given)):
                output.numpy()

        return run

    def device(self) -> str:
        """Returns the first GPU's name, or "CPU"."""
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
        if not gpus:
            return "CPU"
        return str(tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU"))

    def device_memory(self) -> int | None:
        """Returns the most bytes of the first GPU's memory taken so far."""
        import tensorflow as tf

        if not tf.config.list_physical_devices("GPU"):
            return None
        return int(tf.config.experimental.get_memory_info("GPU:0")["peak"])
