"""What Wu, Singla, Jahanshahi and Bertino (2019) report, to be set beside what is measured."""

# Per cent removed: crack mean before, after, sd before, after; corrosion likewise. VGG16.
FIVE_FOLD = {
    0: (99.9, 99.9, 0.11, 0.11, 99.7, 99.7, 0.28, 0.28),
    12: (91.1, 99.7, 2.43, 0.12, 95.3, 99.1, 1.76, 0.12),
    24: (98.8, 99.7, 1.33, 0.11, 98.4, 99.3, 0.27, 0.21),
    36: (95.6, 99.8, 4.05, 0.06, 97.1, 99.5, 1.40, 0.11),
    48: (93.0, 99.9, 8.95, 0.05, 95.6, 99.4, 1.20, 0.05),
    60: (82.5, 99.7, 9.12, 0.09, 87.2, 99.3, 6.26, 0.13),
    72: (73.3, 99.8, 19.67, 0.10, 77.0, 99.0, 16.98, 0.20),
    84: (53.8, 99.4, 4.59, 0.19, 65.0, 98.4, 10.20, 0.31),
    97: (50.3, 84.7, 0.52, 19.86, 49.5, 96.0, 0.74, 0.95),
}
# Classifier: accuracy, megabytes, seconds of a server and of an edge device for 3,720 patches.
FROZEN = {
    "KNN": (0.9460, 3277.0, 96.09, 587.58),
    "SVC": (0.8928, 163.0, 124.59, 417.65),
    "SVMH": (0.8553, 0.032, 29.47, 234.84),
}
MEGABYTES = {"vgg16": (525, 125), "resnet18": (44, 2)}
# Seconds for 3,720 patches, unpruned and pruned: by net, device and set.
SECONDS = {
    ("vgg16", "server", "crack"): (13.1, 4.0),
    ("vgg16", "server", "corrosion"): (13.2, 3.7),
    ("vgg16", "edge", "crack"): (279.7, 31.6),
    ("vgg16", "edge", "corrosion"): (275.7, 30.6),
    ("resnet18", "edge", "crack"): (36.8, 8.9),
}
ONE_EPOCH_HOURS = 1.5  # of pruning with one epoch a step
TEN_EPOCHS_TIME = 4.6  # times as long with ten
SETS = ("crack", "corrosion")


def five_fold(name: str, removed: float) -> tuple[float, float, float, float] | None:
    """The paper's mean before and after and their sds, for a set and a share removed.

    Example:
        >>> five_fold("crack", 0.6060)
        (82.5, 99.7, 9.12, 0.09)
    """
    near = min(FIVE_FOLD, key=lambda known: abs(known - 100 * removed))
    if name not in SETS or abs(near - 100 * removed) > 1.0:
        return None
    place = 4 * SETS.index(name)
    first, second, third, fourth = FIVE_FOLD[near][place : place + 4]
    return first, second, third, fourth
