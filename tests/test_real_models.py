"""Trained models that others have published: pruned right, and right as TFLite files too."""

import keras
import pytest
from test_oracle import check

import tfprune

FILES = (
    "mlperf_ad_autoencoder",
    "mlperf_resnet8_cifar10",
    "mlperf_streaming_wakeword_dscnn",
    "mlperf_vww_mobilenetv1_025",
    "dcase2021_pruned_C1",
    "dcase2021_pruned_C2",
    "dcase2021_pruned_C3",
    "dcase2021_pruned_C12",
    "dcase2021_pruned_C23",
    "dcase2021_pruned_C123",
)

# Published counts of the acoustic-scene nets (Singh and Plumbley 2023), as pruned by the authors.
PARAMETERS = {
    "dcase2021_pruned_C1": 42_056,
    "dcase2021_pruned_C2": 34_461,
    "dcase2021_pruned_C3": 36_356,
    "dcase2021_pruned_C12": 31_496,
    "dcase2021_pruned_C23": 27_021,
    "dcase2021_pruned_C123": 24_056,
}


@pytest.fixture(params=FILES)
def published(request, shared_data):
    path = shared_data / "models" / f"{request.param}.keras"
    return request.param, keras.saving.load_model(path, compile=False)


def test_oracle(published):
    name, model = published
    for ratio in (0.3, 0.7):
        for scope in ("layer", "global"):
            check(model, ratio, scope)
    if name in PARAMETERS:
        assert tfprune.cost(model).parameters == PARAMETERS[name]


def test_file_of_the_pruned_model(published, tmp_path):
    """The conversion compares the file with the pruned Keras model, and raises if they differ."""
    name, model = published
    small = tfprune.prune(model, ratio=0.5)
    artifact = tfprune.convert.to_tflite(small, tmp_path / f"{name}.tflite")
    assert artifact.largest_error <= 1e-4
