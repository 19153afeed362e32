"""What the scripts that fill `tflite_models/` share: each net in float32 and in int8."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from tfprune.convert import Metadata
from tfprune.shipping import ship

FORMS: dict[str, dict[str, Any]] = {
    "float32": {},
    "int8": {"quantize": "int8", "input_type": "int8", "output_type": "int8"},
}


def ship_all(
    nets: Iterable[tuple[str, Any, Metadata]], folder: Path, typical: np.ndarray, test: Any
) -> None:
    """Ships nets, each by its name with what its file says, in every form.

    Args:
        nets: names, nets, and what their files say.
        folder: where they go.
        typical: inputs that int8 takes its ranges from.
        test: inputs and labels that accuracy is told of.
    """
    for name, net, told in nets:
        for form, settings in FORMS.items():
            artifact = ship(
                net,
                folder,
                f"{name}_{form}",
                representative_data=[typical],
                samples=test,
                metadata=told,
                **settings,
            )
            print(artifact, flush=True)
