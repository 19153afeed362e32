"""Keras callbacks that prune while `fit` runs."""

from tfprune.callbacks.filter_pruning import FilterPruning as FilterPruning
from tfprune.callbacks.pruning_logger import PruningLogger as PruningLogger
from tfprune.callbacks.stop_on_drop import StopOnDrop as StopOnDrop
