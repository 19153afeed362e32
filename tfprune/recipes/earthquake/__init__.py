"""Earthquake or noise: ResNet50 on spectrograms, 90 % removed by L2 (Atmaja et al. 2022)."""
