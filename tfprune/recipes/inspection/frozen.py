"""Transfer learning without pruning: features of a net that is not trained, and a classifier."""

import pickle
import time
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from tfprune.recipes.common.answers import keras_answers
from tfprune.recipes.common.extras import require
from tfprune.recipes.inspection.data import Fold

PATCHES = 3720  # of which the paper tells the time


@dataclass(frozen=True)
class Baseline:
    """A classifier on frozen features.

    Attributes:
        name: KNN, SVC or SVMH, as the paper has them.
        accuracy: on test patches, 0..1.
        classifier_bytes: of the classifier alone, pickled.
        seconds: for 3,720 patches, features included, scaled from the test patches.
    """

    name: str
    accuracy: float
    classifier_bytes: int
    seconds: float


def baselines(net: Any, fold: Fold, seed: int = 0) -> tuple[Baseline, ...]:
    """Fits the paper's three classifiers on the last convolution's maps, averaged over space.

    Args:
        net: a VGG16 as it begins.
        fold: to fit and test on; the validation part is not looked at.
        seed: of the linear classifier.

    Raises:
        MissingExtraError: scikit-learn is missing.
    """
    purpose = "a classifier on frozen features"
    svm, neighbours = require("sklearn.svm", purpose), require("sklearn.neighbors", purpose)
    pipeline, scaling = (
        require("sklearn.pipeline", purpose),
        require("sklearn.preprocessing", purpose),
    )
    pooled = keras.layers.GlobalAveragePooling2D()(net.get_layer("block5_pool").output)
    body = keras.Model(net.inputs, pooled)
    seen = keras_answers(body, fold.train[0], 64)
    began = time.perf_counter()
    held = keras_answers(body, fold.test[0], 64)
    looking = time.perf_counter() - began
    kinds = {
        "KNN": neighbours.KNeighborsClassifier(5),
        "SVC": svm.SVC(),
        "SVMH": svm.LinearSVC(loss="hinge", max_iter=20_000, random_state=seed),
    }
    found = []
    for name, kind in kinds.items():
        classifier = pipeline.make_pipeline(scaling.StandardScaler(), kind)
        classifier.fit(seen, fold.train[1])
        began = time.perf_counter()
        answers = classifier.predict(held)
        spent = looking + time.perf_counter() - began
        right = float(np.mean(answers == fold.test[1]))
        size = len(pickle.dumps(classifier))
        found.append(Baseline(name, right, size, spent * PATCHES / len(held)))
    return tuple(found)
