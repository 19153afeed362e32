"""`MANIFEST.json`: what is in a folder of models, regenerated from the files and checked."""

import json
import os
from pathlib import Path
from typing import Any

from tfprune._files import write_text
from tfprune.convert.artifact import digest
from tfprune.convert.metadata import Metadata
from tfprune.errors import FileError
from tfprune.shipping.card import render_card
from tfprune.shipping.facts import read_facts

FORMAT = "tfprune.manifest/1"
NAME = "MANIFEST.json"
LIMIT = 12_000_000
"""Bytes that all models of a folder may take together."""

_NEEDED = ("title", "license", "data", "command")


def make_manifest(folder: str | os.PathLike[str], limit: int = LIMIT) -> dict[str, Any]:
    """Returns what the manifest of a folder has to say, from its files alone.

    Args:
        folder: holds `*.tflite` files and a card beside each, `NAME.md`.
        limit: bytes that the models may take together. Defaults to 12 million.

    Returns:
        For each model, sorted by name: size, checksum, its card's checksum, title, licence,
        accuracies, MACs, parameters, types.

    Raises:
        FileError: a file does not say what it must (title, license, data, accuracy, command), has
            no card or one of another file, or the models are too large.
    """
    models = [_entry(path) for path in sorted(Path(folder).glob("*.tflite"))]
    total = sum(model["bytes"] for model in models)
    if total > limit:
        raise FileError(
            f"the models in {folder} take {total:,} bytes, {limit:,} are allowed: ship fewer, or "
            "smaller ones"
        )
    return {"format": FORMAT, "limit_bytes": limit, "total_bytes": total, "models": models}


def write_manifest(folder: str | os.PathLike[str], limit: int = LIMIT) -> Path:
    """Writes `MANIFEST.json` anew; returns where it stands. Raises as `make_manifest`."""
    path = Path(folder) / NAME
    write_text(path, json.dumps(make_manifest(folder, limit), indent=1, ensure_ascii=False) + "\n")
    return path


def check_folder(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """Returns the manifest of a folder that holds just what the manifest says.

    Raises:
        FileError: a model or card changed, is missing, or is not in the manifest.
    """
    path = Path(folder) / NAME
    try:
        written = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FileError(f"cannot read {path}: {error}") from error
    if not isinstance(written, dict) or written.get("format") != FORMAT:
        raise FileError(f"expected a manifest of the format {FORMAT} at {path}")
    found = make_manifest(folder, written.get("limit_bytes", LIMIT))
    before, now = (
        {model["file"]: model for model in manifest["models"]} for manifest in (written, found)
    )
    for name in sorted(before.keys() | now):
        if before.get(name) != now.get(name):
            what = "is missing" if name not in now else "is not as the manifest says"
            raise FileError(f"{name} in {folder} {what}: write the manifest anew, or restore it")
    return found


def check_told(told: Metadata, path: Path) -> None:
    """Raises `FileError` where metadata lack what a user has to say, all but the accuracy."""
    missing = [name for name in _NEEDED if not getattr(told, name)]
    if missing:
        raise FileError(f"{path} does not say what it must to be shipped: {', '.join(missing)}")


def _entry(path: Path) -> dict[str, Any]:
    facts = read_facts(path)
    told = facts.metadata
    check_told(told, path)
    if not told.accuracy:
        raise FileError(
            f"{path} does not say what it must to be shipped: accuracy; pass samples with labels"
        )
    card = path.with_suffix(".md")
    if not card.is_file() or card.read_text(encoding="utf-8") != render_card(path):
        raise FileError(f"{card} is not the card of {path.name}: write it with tfprune.shipping")
    return {
        "file": facts.name,
        "bytes": facts.bytes,
        "sha256": facts.sha256,
        "card": card.name,
        "card_sha256": digest(card.read_bytes()),
        "title": told.title,
        "license": told.license,
        "accuracy": {name: accuracy.as_dict() for name, accuracy in told.accuracy.items()},
        "macs": told.macs,
        "parameters": told.parameters,
        "inputs": {n: {"shape": [*p.shape], "type": p.dtype} for n, p in facts.inputs.items()},
        "outputs": {n: {"shape": [*p.shape], "type": p.dtype} for n, p in facts.outputs.items()},
    }
