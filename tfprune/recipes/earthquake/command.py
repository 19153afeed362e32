"""`tfprune recipe earthquake`: ResNet50 on seismograms, 90 % removed by L2 (Atmaja et al. 2022)."""

import argparse

from tfprune.commands import demo
from tfprune.commands._common import Outcome

SUMMARY = "earthquake or noise: ResNet50 on spectrograms, 90 % removed by L2, retrained"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this recipe."""
    demo.add_arguments(parser)


def run(options: argparse.Namespace) -> Outcome:
    """Runs the recipe."""
    return demo.run(options)
