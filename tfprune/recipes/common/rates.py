"""How the learning rate of the recipes rises and falls."""

from typing import Any

import keras


def warmed_cosine(rate: float, steps: int) -> Any:
    """A rate that is reached after a tenth of the steps and left by a cosine.

    Args:
        rate: at its peak.
        steps: of all training.

    Example:
        >>> falling = warmed_cosine(0.1, 100)
        >>> [round(float(falling(step)), 3) for step in (0, 10, 100)]
        [0.0, 0.1, 0.0]
    """
    warmup = steps // 10
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0,
        decay_steps=max(1, steps - warmup),
        warmup_target=rate,
        warmup_steps=max(1, warmup),
    )
