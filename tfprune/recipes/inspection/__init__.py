"""Cracks and corrosion: VGG16 and ResNet18, pruned in steps by Taylor (Wu et al. 2019)."""
