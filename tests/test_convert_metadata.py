"""What a file says of itself, and that it computes the same with it as without."""

import json
import struct
from dataclasses import replace

import keras
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from keras import layers

import tfprune
from tfprune.convert import (
    Accuracy,
    ImageInput,
    LogMelInput,
    Metadata,
    SpectrogramInput,
    WaveformInput,
    named_buffers,
    plan_summary,
    preprocessing,
    read_metadata,
    to_tflite,
    write_metadata,
)
from tfprune.convert.converter import convert
from tfprune.convert.metadata import BUFFER
from tfprune.errors import DataError, FileError

WHOLE = Metadata(
    title="Zwölf Töne",
    labels=("a", "b", "c"),
    preprocessing={
        "image": ImageInput(scale=(1.0, 0.5, 0.25), offset=-1.0, channels="bgr"),
        "wave": WaveformInput(rate=100.0, normalise="standard"),
        "quake": SpectrogramInput(components="ENZ"),
        "sound": LogMelInput(bands=32, layout="time_band"),
    },
    license="Apache-2.0",
    attribution="someone",
    data="made up",
    measured_on="nothing",
    accuracy={"out": Accuracy(7, 8, 10, "nothing")},
    plan={"fingerprint": "0123", "removed": 0.5},
    macs=12,
    parameters=34,
    command="make it",
    notes="none",
)


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> bytes:
    """A file as TensorFlow's converter writes it, before anything is put in."""
    model = keras.Sequential([keras.Input((6, 6, 3), name="image"), layers.Conv2D(4, 3)])
    model.add(layers.Flatten(name="flatten"))
    return convert(model, [(1, 6, 6, 3)], None, [], ("float32", "float32"))


def test_metadata_survive_json():
    assert Metadata.from_dict(json.loads(json.dumps(WHOLE.as_dict()))) == WHOLE
    assert Metadata.from_dict(Metadata().as_dict()) == Metadata()
    assert list(Metadata(title="x").as_dict()) == ["format", "title"]


@pytest.mark.parametrize("length", [0, 1, 15, 16, 17, 1000])
def test_a_named_buffer_leaves_all_else_as_it_was(plain, length):
    data = (bytes(range(256)) * 4)[:length]
    whole = named_buffers.insert(plain, BUFFER, data)
    assert named_buffers.read(whole, BUFFER) == data
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(whole, 0))
    before = schema.ModelT.InitFromObj(schema.Model.GetRootAs(plain, 0))
    names = [entry.name.decode() for entry in model.metadata]
    assert names == [*(entry.name.decode() for entry in before.metadata), BUFFER]
    assert len(model.buffers) == len(before.buffers) + 1
    for old, new in zip(before.buffers, model.buffers, strict=False):
        np.testing.assert_array_equal(old.data, new.data)
    assert model.description == before.description
    assert [s.signatureKey for s in model.signatureDefs] == [b"serving_default"]


def test_a_second_one_replaces_the_first(plain):
    once = named_buffers.insert(plain, BUFFER, b"first, and longer than the second one")
    assert named_buffers.insert(once, BUFFER, b"second") == named_buffers.insert(
        plain, BUFFER, b"second"
    )
    assert named_buffers.read(named_buffers.insert(once, "OTHER", b"x"), BUFFER)[:5] == b"first"


def test_every_constant_is_aligned_and_the_answers_the_same(plain):
    whole = named_buffers.insert(plain, BUFFER, b"x" * 77)
    model = schema.Model.GetRootAs(whole, 0)
    tables = [model.Buffers(index)._tab for index in range(model.BuffersLength())]
    places = [table.Vector(table.Offset(4)) for table in tables if table.Offset(4)]
    assert len(places) > 3
    assert {place % 16 for place in places} == {0}
    x = np.random.default_rng(0).normal(size=(1, 6, 6, 3)).astype("float32")
    before, after = (
        Interpreter(model_content=content).get_signature_runner()(image=x)["flatten"]
        for content in (plain, whole)
    )
    np.testing.assert_array_equal(before, after)


def test_what_no_one_stored_is_none(plain, tmp_path):
    (tmp_path / "m.tflite").write_bytes(plain)
    assert read_metadata(tmp_path / "m.tflite") is None
    write_metadata(tmp_path / "m.tflite", WHOLE)
    assert read_metadata(tmp_path / "m.tflite") == WHOLE
    write_metadata(tmp_path / "m.tflite", replace(WHOLE, notes="new"))
    assert read_metadata(tmp_path / "m.tflite").notes == "new"


def test_damaged_files_are_named_errors(plain, tmp_path):
    whole = named_buffers.insert(plain, BUFFER, b"{}")
    with pytest.raises(FileError, match="mark TFL3"):
        named_buffers.read(b"PK\3\4 not a model", BUFFER)
    for broken in (whole[:40], whole[:4] + b"TFL3", struct.pack("<I", 2**31) + whole[4:]):
        with pytest.raises(FileError, match="cut short"):
            named_buffers.read(broken, BUFFER)
        with pytest.raises(FileError, match="cut short"):
            named_buffers.insert(broken, BUFFER, b"")
    for content in (b"{}", b"not json", b"\xff", b'{"format": "tfprune.metadata/1", "size": 3}'):
        (tmp_path / "m.tflite").write_bytes(named_buffers.insert(plain, BUFFER, content))
        with pytest.raises(FileError, match="cannot read the metadata of"):
            read_metadata(tmp_path / "m.tflite")


def test_a_file_says_what_it_is_told_and_what_was_measured(tmp_path):
    given = keras.Input((8,), name="wave")
    hidden = layers.Dense(6, "relu", name="hidden")(given)
    model = keras.Model(given, layers.Dense(3, name="out")(hidden))
    plan = tfprune.plan(model, "l2", ratio=0.5)
    small = tfprune.rebuild(model, plan)
    x = np.random.default_rng(0).normal(size=(40, 8)).astype("float32")
    truth = keras.ops.convert_to_numpy(small(x)).argmax(axis=-1)
    told = Metadata(
        labels=("a", "b", "c"),
        preprocessing={"wave": WaveformInput(rate=8.0)},
        license="MIT",
        plan=plan_summary(plan.as_dict()),
        measured_on="noise",
    )
    artifact = to_tflite(small, tmp_path / "m.tflite", samples=(x, truth), metadata=told)
    stored = read_metadata(artifact.path)
    assert stored == replace(
        told,
        accuracy={"out": Accuracy(40, 40, 40, "noise")},
        macs=tfprune.cost(small).macs,
        parameters=small.count_params(),
    )
    assert stored.plan["fingerprint"] == plan.fingerprint
    assert stored.plan["removed"] == 0.5
    other = plan_summary(tfprune.plan(model, "l1", ratio=0.5).as_dict())
    fewer = plan_summary(tfprune.plan(model, "l2", ratio=0.2).as_dict())
    assert len({told.plan["sha256"], fewer["sha256"]}) == 2
    assert other["criterion"] == "l1"


def test_metadata_that_do_not_fit_the_model_are_refused_before_any_work(tmp_path):
    model = keras.Sequential([keras.Input((4,), name="x"), layers.Dense(3)])
    for wrong, message in (
        (Metadata(labels=("a", "b")), r"classes \(\[3\]\), received 2"),
        (Metadata(preprocessing={"y": ImageInput()}), r"inputs \['x'\]"),
    ):
        with pytest.raises(DataError, match=message):
            to_tflite(model, tmp_path / "m.tflite", metadata=wrong)
    with pytest.raises(DataError, match="plain values"):
        to_tflite(model, tmp_path / "m.tflite", metadata=Metadata(plan={"a": object()}))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("values", [{}, {"kind": "smell"}, {"kind": "image", "sale": 1}])
def test_unknown_preprocessing_is_refused(values):
    with pytest.raises(DataError, match="expected preprocessing of a kind in"):
        preprocessing.from_dict(values)
