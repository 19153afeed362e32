"""Acoustic scenes: greedy cosine pruning of a small CNN (Singh and Plumbley 2022, 2023)."""
