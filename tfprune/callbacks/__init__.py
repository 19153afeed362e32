"""Keras callbacks that prune while `fit` runs."""

from tfprune.callbacks.filter_pruning import FilterPruning as FilterPruning
