"""Layers whose kernel is not what they multiply with."""

from typing import Any

ADAPTED = "it is quantized or carries a LoRA adapter"


def is_adapted(layer: Any) -> bool:
    """Whether a layer is quantized or carries a LoRA adapter, whose weights no rule cuts."""
    return bool(getattr(layer, "lora_enabled", False) or getattr(layer, "quantization_mode", None))
