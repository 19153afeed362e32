"""A folder of models for devices: each with a card, all in a manifest that is checked."""

from tfprune.shipping.card import render_card
from tfprune.shipping.manifest import LIMIT, check_folder, make_manifest, write_manifest
from tfprune.shipping.ship import ship

__all__ = ["LIMIT", "check_folder", "make_manifest", "render_card", "ship", "write_manifest"]
