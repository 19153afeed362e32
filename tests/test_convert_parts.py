"""The pieces of convert/ that need no converter."""

import os

import keras
import numpy as np
import pytest
from keras import layers

from tfprune._silence import silenced
from tfprune.convert import samples
from tfprune.convert.keyline import explain
from tfprune.convert.savedmodel import input_names, output_names

LOCATION = (
    'loc(callsite(fused["{op}:", "net_1/{layer}/{op}@__inference_fn_9"] at fused["S:", "S"]))'
)


def test_all_streams_are_silenced_and_restored(capfd):
    def fails_loudly():
        print("python")  # noqa: T201
        os.write(1, b"native out\n")
        os.write(2, b"native err\n")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), silenced() as caught:
        fails_loudly()
    assert all(part in caught.text for part in ("python", "native out", "native err"))
    assert capfd.readouterr() == ("", "")
    print("back")  # noqa: T201
    os.write(2, b"back too")
    assert capfd.readouterr() == ("back\n", "back too")


def test_refused_operations_are_named_once_with_their_layers():
    place = LOCATION.format(op="Erf", layer="curve_1")
    text = (
        f"{place}: error: 'tf.Erf' op is neither a custom op nor a flex op\n"
        "TF Select ops: Erf, FFT\nTF Select ops: Erf, FFT\nCustom ops: Igammac\nDetails"
    )
    line = explain(text, ["curve", "other"])
    assert "FlexErf from layer 'curve', FlexFFT, custom Igammac" in line
    assert "\n" not in line


def test_an_operation_that_cannot_be_lowered_is_named():
    place = LOCATION.format(op="TensorListReserve", layer="lstm")
    line = explain(f"{place}: error: 'tf.X' op requires element_shape to be static\nmore", ["lstm"])
    assert line == "'tf.X' op requires element_shape to be static from layer 'lstm'"


def test_other_failures_give_their_first_telling_line():
    assert explain("chat\nfatal error:   no  room\nmore", []) == "fatal error: no room"
    assert explain("chat\nmore", []) == "chat"
    assert explain("", []) == "the converter gave no reason"


def two_inputs() -> keras.Model:
    a, b = keras.Input((2,), name="a.x"), keras.Input((3,), name="a-x")
    shared = layers.Dense(1, name="out")
    return keras.Model([a, b], [shared(a), layers.Concatenate(name="out_2")([a, b])])


def test_names_are_spelled_for_a_signature_and_unique():
    assert input_names(two_inputs()) == ("a_x", "a_x_1")
    assert output_names(two_inputs()) == ("out", "out_2")


@pytest.mark.parametrize(
    "data",
    [
        (np.ones((4, 2)), np.ones((4, 3))),
        [(np.ones((4, 2)), np.ones((4, 3)))],
        [[np.ones((2, 2)), np.ones((2, 3))]] * 2,
        [{"a-x": np.ones((4, 3)), "a.x": np.ones((4, 2))}],
        [((np.ones((4, 2)), np.ones((4, 3))), np.zeros(4))],
        lambda: iter([(np.ones((4, 2)), np.ones((4, 3)))]),
    ],
)
def test_every_form_of_data_gives_the_same_examples(data):
    taken = samples.take(two_inputs(), data, 10, "samples")
    assert [tuple(part.shape for part in example) for example in taken] == [((1, 2), (1, 3))] * 4
    assert all(part.dtype == np.float32 for example in taken for part in example)


def test_endless_data_end_at_the_limit():
    def forever():
        while True:
            yield np.ones((3, 2)), np.ones((3, 3))

    assert len(samples.take(two_inputs(), forever(), 7, "samples")) == 7


def test_a_pydataset_serves():
    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 2

        def __getitem__(self, index):
            return np.full((3, 2), index), np.zeros(3)

    model = keras.Sequential([keras.Input((2,)), layers.Dense(1)])
    assert len(samples.take(model, Batches(), 100, "samples")) == 6


def test_drawn_samples_are_seeded_and_fit_the_type():
    index = keras.Input((5,), dtype="int32")
    model = keras.Model(index, layers.Embedding(2, 3)(index))
    (first,), (again,) = samples.draw(model, 1, 4)[0], samples.draw(model, 1, 4)[0]
    assert first.dtype == np.int32
    assert set(np.unique(first)) <= {0, 1}
    np.testing.assert_array_equal(first, again)
