"""A model put where it ships from."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from tfprune._files import write_text
from tfprune.errors import FileError
from tfprune.shipping.card import render_card
from tfprune.shipping.manifest import LIMIT, check_told, write_manifest

if TYPE_CHECKING:
    import keras

    from tfprune.convert import Artifact, Metadata


def ship(
    model: "keras.Model",
    folder: str | os.PathLike[str],
    name: str,
    limit: int = LIMIT,
    *,
    metadata: "Metadata",
    **settings: object,
) -> "Artifact":
    """Converts a model into a folder of models to ship, with its card and a new manifest.

    Nothing is left of a model that does not say what it must, or whose file is wrong.

    Args:
        model: a built model.
        folder: where the models stand; made if need be.
        name: of the file, without its suffix.
        limit: bytes that all models there may take. Defaults to 12 million.
        metadata: with a title, a licence, the data and the command at least.
        **settings: as `tfprune.convert.to_tflite` takes them; `samples` with labels are needed.

    Returns:
        The artifact.

    Raises:
        FileError: the metadata or the accuracy are missing, or the models are too large.
        TfpruneError: whatever `to_tflite` raises.

    Example:
        >>> import keras, tempfile, numpy as np
        >>> from tfprune.convert import Metadata
        >>> net = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
        >>> told = Metadata("A net", license="MIT", data="noise", command="python make.py")
        >>> x, y = np.ones((6, 4), "float32"), np.ones(6, int)
        >>> folder = tempfile.mkdtemp()
        >>> ship(net, folder, "net", samples=(x, y), metadata=told).path.name
        'net.tflite'
        >>> sorted(os.listdir(folder))
        ['MANIFEST.json', 'net.md', 'net.tflite']
    """
    from tfprune.convert import to_tflite

    place = Path(folder)
    file = place / f"{name}.tflite"
    check_told(metadata, file)
    place.mkdir(parents=True, exist_ok=True)
    before = {path: path.read_bytes() if path.exists() else None for path in _both(file)}
    artifact = to_tflite(model, file, metadata=metadata, **settings)  # type: ignore[arg-type]
    try:
        write_text(file.with_suffix(".md"), render_card(file))
        write_manifest(place, limit)
    except FileError:
        for path, content in before.items():
            path.unlink(missing_ok=True)
            if content is not None:
                path.write_bytes(content)
        raise
    return artifact


def _both(file: Path) -> tuple[Path, Path]:
    return file, file.with_suffix(".md")
