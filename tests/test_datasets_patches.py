"""Labelled patches from folders and tables, and photographs cut into them."""

import csv
import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfprune.datasets.annotations import draw_boxes, read_boxes
from tfprune.datasets.cutting import Grid, cut_photos, cuts, places
from tfprune.datasets.patches import read_patches
from tfprune.errors import DataError, FileError

Image = pytest.importorskip("PIL.Image")


def paint(path: Path, value: int = 100, shape: tuple[int, int] = (20, 30)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((*shape, 3), value, np.uint8)).save(path)
    return path


@pytest.fixture
def metu(tmp_path: Path) -> Path:
    for number in range(3):
        paint(tmp_path / "metu" / "Positive" / f"{number}.png", 200)
        paint(tmp_path / "metu" / "Negative" / f"{number}.jpg", 50)
    return tmp_path / "metu"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two photographs 40 x 60, damaged in the left upper 20 x 20, with their masks."""
    mask = np.zeros((40, 60), np.uint8)
    mask[:20, :20] = 255
    (tmp_path / "masks").mkdir()
    for name in "ab":
        paint(tmp_path / "photos" / f"{name}.png", shape=(40, 60))
        Image.fromarray(mask).save(tmp_path / "masks" / f"{name}.png")
    return tmp_path / "photos"


def test_folders_are_classes_and_damage_is_last(metu: Path) -> None:
    patches = read_patches(metu, 8)
    assert patches.classes == ("Negative", "Positive")
    assert patches.images.shape == (6, 8, 8, 3)
    assert patches.images.dtype == np.uint8
    assert (patches.images.mean((1, 2, 3)) > 100).tolist() == (patches.labels == 1).tolist()
    assert len(set(patches.groups.tolist())) == 6
    assert str(patches.report) == "6 images read, 0 skipped"


def test_broken_images_are_counted_and_named(metu: Path) -> None:
    (metu / "Positive" / "torn.png").write_bytes((metu / "Positive" / "0.png").read_bytes()[:60])
    (metu / "Negative" / "text.jpg").write_text("no image")
    patches = read_patches(metu, 8)
    assert len(patches) == 6
    assert patches.report.skipped == 2
    assert "Positive/torn.png" in str(patches.report)
    assert "text.jpg" in str(patches.report)


def test_a_split_is_a_folder_above_the_classes(tmp_path: Path) -> None:
    for part, count in (("train", 2), ("val", 1)):
        for label in ("crack", "no_crack"):
            for number in range(count):
                paint(tmp_path / part / label / f"{number}.png")
    assert len(read_patches(tmp_path, 8)) == 6
    assert len(read_patches(tmp_path, 8, split="val")) == 2
    assert read_patches(tmp_path, 8).classes == ("no_crack", "crack")
    with pytest.raises(DataError, match="split 'test'"):
        read_patches(tmp_path, 8, split="test")


def test_as_many_of_each_class_as_asked(metu: Path) -> None:
    drawn = read_patches(metu, 8, per_class=2, seed=1)
    assert np.bincount(drawn.labels).tolist() == [2, 2]
    again = read_patches(metu, 8, per_class=2, seed=1)
    assert drawn.groups.tolist() == again.groups.tolist()


def test_bad_folders_are_told(tmp_path: Path, metu: Path) -> None:
    with pytest.raises(FileError, match="is none"):
        read_patches(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="has none"):
        read_patches(tmp_path / "empty")
    paint(tmp_path / "one" / "crack" / "a.png")
    with pytest.raises(DataError, match="'crack' alone"):
        read_patches(tmp_path / "one")
    with pytest.raises(DataError, match="at least 1"):
        read_patches(metu, 0)
    for path in (metu / "Positive").iterdir():
        path.write_text("broken")
    with pytest.raises(DataError, match=r"none of Positive.*3 broken"):
        read_patches(metu, 8)


def test_an_unknown_column_is_told(metu: Path) -> None:
    (metu / "meta.csv").write_text("path,label\na,b\n")
    with pytest.raises(DataError, match="file is missing: it has path, label"):
        read_patches(metu)


def test_masks_cut_photographs(photos: Path, tmp_path: Path) -> None:
    grid = Grid(20, threshold=0.5, margin=0)
    report = cut_photos(photos, tmp_path / "cut", masks=tmp_path / "masks", grid=grid)
    patches = read_patches(tmp_path / "cut", 20)
    assert report.read == 2
    assert patches.classes == ("intact", "damaged")
    assert np.bincount(patches.labels).tolist() == [10, 2]
    assert set(patches.groups.tolist()) == {"a.png", "b.png"}
    near = Grid(20, threshold=0.5, margin=1)
    cut_photos(photos, tmp_path / "cut", masks=tmp_path / "masks", grid=near)
    assert np.bincount(read_patches(tmp_path / "cut", 20).labels).tolist() == [4, 2]


@pytest.mark.parametrize("form", ["csv", "json"])
def test_boxes_cut_as_masks_do(photos: Path, tmp_path: Path, form: str) -> None:
    path = tmp_path / f"boxes.{form}"
    if form == "csv":
        path.write_text("file,x,y,width,height\na.png,0,0,20,20\nb.png,,,,\n")
    else:
        images = [{"id": 1, "file_name": "a.png"}, {"id": 2, "file_name": "b.png"}]
        boxes = [{"image_id": 1, "bbox": [0, 0, 20, 20]}]
        path.write_text(json.dumps({"images": images, "annotations": boxes}))
    paint(photos / "unknown.png", shape=(40, 60))
    report = cut_photos(photos, tmp_path / "cut", boxes=path, grid=Grid(20, margin=0))
    assert np.bincount(read_patches(tmp_path / "cut", 20).labels).tolist() == [11, 1]
    assert "without annotation (unknown.png)" in str(report)


def test_photographs_that_cannot_be_cut_are_named(photos: Path, tmp_path: Path) -> None:
    paint(photos / "small.png", shape=(10, 60))
    paint(photos / "bare.png", shape=(40, 60))
    paint(photos / "other.png", shape=(40, 60))
    paint(tmp_path / "masks" / "other.png", shape=(40, 50))
    (photos / "torn.png").write_text("broken")
    report = cut_photos(photos, tmp_path / "cut", masks=tmp_path / "masks", grid=Grid(20))
    assert report.read == 2
    assert report.skipped == 4
    for reason in (
        "smaller than a patch (small.png)",
        "mask missing (bare.png)",
        "mask of another size (other.png)",
        "broken or no image (torn.png)",
    ):
        assert reason in str(report)


def test_bad_annotations_are_told(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="either masks or boxes"):
        cut_photos(photos, tmp_path / "cut")
    (tmp_path / "boxes.csv").write_text("file,x,y,width,height\na.png,,,,\n")
    with pytest.raises(DataError, match="none that are damaged"):
        cut_photos(photos, tmp_path / "cut", boxes=tmp_path / "boxes.csv", grid=Grid(20))
    assert not (tmp_path / "cut").exists()
    for text, told in (("file,x\n", "y, width, height is missing"),
                       ("file,x,y,width,height\na,1,2,x,4\n", "line 2")):  # fmt: skip
        (tmp_path / "boxes.csv").write_text(text)
        with pytest.raises(DataError, match=told):
            read_boxes(tmp_path / "boxes.csv")
    (tmp_path / "boxes.json").write_text('{"images": []}')
    with pytest.raises(DataError, match="COCO"):
        read_boxes(tmp_path / "boxes.json")
    with pytest.raises(FileError, match="cannot read"):
        read_boxes(tmp_path / "none.csv")
    with pytest.raises(DataError, match="threshold"):
        Grid(threshold=0)


@given(st.integers(1, 90), st.integers(1, 40), st.integers(1, 40))
def test_patches_reach_from_edge_to_edge(length: int, size: int, step: int) -> None:
    found = places(length, size, step)
    if length < size:
        assert not found
        return
    assert found[0] == 0
    assert found[-1] + size == length
    assert all(0 < after - before <= step for before, after in itertools.pairwise(found))


@given(
    st.lists(st.tuples(*[st.integers(-5, 40)] * 4), max_size=3),
    st.integers(1, 12),
    st.integers(1, 12),
    st.integers(0, 6),
)
def test_labels_say_what_is_annotated(
    corners: list[tuple[int, int, int, int]], size: int, stride: int, margin: int
) -> None:
    boxes = tuple((float(a), float(b), float(a + c), float(b + d)) for a, b, c, d in corners)
    mask = draw_boxes(boxes, (25, 33))
    for one in cuts(mask, Grid(size, stride, 0.3, margin)):
        share = mask[one.y : one.y + size, one.x : one.x + size].mean()
        around = mask[
            max(0, one.y - margin) : one.y + size + margin,
            max(0, one.x - margin) : one.x + size + margin,
        ].any()
        assert one.fraction == pytest.approx(share)
        expected = True if share >= 0.3 - 1e-12 else (None if around else False)
        assert one.damaged is expected


def test_the_table_tells_where_each_patch_was(photos: Path, tmp_path: Path) -> None:
    cut_photos(photos, tmp_path / "cut", masks=tmp_path / "masks", grid=Grid(20, margin=0))
    with open(tmp_path / "cut" / "meta.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["annotated_fraction"] for row in rows if row["label"] == "damaged"} == {"1.0"}


def test_real_corrosion_keeps_its_photographs(shared_data: Path) -> None:
    patches = read_patches(shared_data / "corrosion", 8, split="val")
    assert len(patches) == 146
    assert patches.classes[1] == "corrosion"
    assert 1 < len(set(patches.groups.tolist())) < 50
