"""The picture of a model's graph: everything is on it, in the colours of the groups."""

import itertools
import sys
from pathlib import Path
from xml.etree import ElementTree

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras import layers
from topologies import TOPOLOGIES, build

import tfprune
from tfprune.errors import FileError, MissingExtraError
from tfprune.graph import ChannelGraph, Group, Producer
from tfprune.graph.nesting import wrapped
from tfprune.report.drawing import painting
from tfprune.report.drawing.calls import CallGraph, group_indices, read_calls
from tfprune.report.drawing.cards import gather
from tfprune.report.drawing.colours import WHOLE, group_colours, oklch
from tfprune.report.drawing.layout import Layout, lay_out
from tfprune.report.drawing.ordering import crossings, fit
from tfprune.report.graph_picture import check_picture, draw

SVG = "{http://www.w3.org/2000/svg}"


def _read(name: str) -> tuple[ChannelGraph, CallGraph]:
    model = build(name)
    graph = tfprune.trace(model)
    return graph, read_calls(model, graph)


# -- what is drawn


@pytest.mark.parametrize("name", sorted(TOPOLOGIES))
def test_every_layer_is_drawn_with_the_groups_that_the_trace_found(name: str) -> None:
    graph, calls = _read(name)
    layers_traced = {
        path
        for path, record in graph.records.items()
        if not isinstance(record.operation, keras.Model) and wrapped(record.operation) is None
    }
    drawn = [node for node in calls.nodes if node.kind != "InputLayer"]
    assert {node.path for node in drawn} == layers_traced
    index_of = group_indices(graph)
    for path in layers_traced:
        outputs = graph.records[path].outputs
        expected = {int(index) for output in outputs for index in index_of[output.ids].flat}
        mine = [node for node in drawn if node.path == path]
        found = {band.group for node in mine for band in node.bands}
        assert {-1 if group is None else group for group in found} == expected
        made = {
            i for i, g in enumerate(graph.groups) for maker in g.producers if maker.path == path
        }
        assert made <= found | {group for node in mine for group in node.inside}
    cards = gather(calls)
    assert sorted(itertools.chain(*cards.cards)) == list(range(len(calls.nodes)))
    within = {pair for card in cards.cards for pair in itertools.pairwise(card)}
    assert within <= set(calls.edges)
    assert len(cards.edges) == len(calls.edges) - len(within)


def test_calls_by_hand() -> None:
    x = keras.Input((4, 4, 3), name="image")
    twice = layers.Conv2D(3, 1, name="twice")
    y = layers.Concatenate(name="both")([twice(x), twice(twice(x))])
    model = keras.Model(x, layers.Conv2D(5, 1, name="last")(y))
    calls = read_calls(model, tfprune.trace(model))
    rows = {(node.path, node.call): (node.kind, node.width) for node in calls.nodes}
    assert rows == {
        ("image", 1): ("InputLayer", "4 x 4 x 3"),
        ("twice", 1): ("Conv2D", "3"),
        ("twice", 2): ("Conv2D", "3"),
        ("twice", 3): ("Conv2D", "3"),
        ("both", 1): ("Concatenate", "6"),
        ("last", 1): ("Conv2D", "5"),
    }
    assert [node.path for node in calls.nodes if node.output] == ["last"]
    names = [(calls.nodes[a].path, calls.nodes[b].path) for a, b in calls.edges]
    assert sorted(names) == [
        ("both", "last"),
        ("image", "twice"),
        ("image", "twice"),
        ("twice", "both"),
        ("twice", "both"),
        ("twice", "twice"),
    ]


def test_a_split_tells_its_parts_and_who_reads_which() -> None:
    graph, calls = _read("split_at_places")
    split = next(i for i, node in enumerate(calls.nodes) if node.kind == "Split")
    assert calls.nodes[split].width == "3 + 5 + 4"
    joined = next(i for i, node in enumerate(calls.nodes) if node.kind == "Concatenate")
    assert sum(band.channels for band in calls.edges[split, joined]) == 9
    sizes = [graph.groups[band.group].size for band in calls.nodes[joined].bands]
    assert sizes == [4, 4, 5]


def test_a_card_is_a_convolution_with_what_only_hands_on() -> None:
    _, calls = _read("residual")
    names = [[calls.nodes[index].kind for index in card] for card in gather(calls).cards]
    assert names[:3] == [["InputLayer"], *[["Conv2D", "BatchNormalization", "ReLU"]] * 2]
    assert names[-2:] == [["Add", "GlobalAveragePooling2D"], ["Dense"]]


# -- colours


def _group(name: str, makers: int, pinned: str | None = None) -> Group:
    producers = tuple(Producer(f"{name}_{i}", np.arange(4)[:, None]) for i in range(makers))
    return Group(name, np.arange(4), producers, (), pinned, residual=makers > 1)


def test_each_group_has_a_colour_of_its_own_and_pinned_ones_are_grey() -> None:
    groups = [_group(f"inner_{i}", 1) for i in range(60)] + [_group(f"s_{i}", 3) for i in range(15)]
    *free, grey = group_colours([*groups, _group("head", 1, "model output 'head'")])
    assert len(set(free)) == len(groups)
    assert grey == WHOLE
    assert WHOLE not in free


def test_oklch_is_that_of_the_standard() -> None:
    # CSS Color Module Level 4, section 9: the corners of sRGB in OKLCH.
    assert oklch(0.627966, 0.257704, 29.2346) == "#ff0000"
    assert oklch(0.519752, 0.176858, 142.4953) == "#008000"
    assert oklch(0.452014, 0.313214, 264.052) == "#0000ff"


def _drawn_fills(picture: Path) -> dict[str, list[str]]:
    """The fills of each row of an SVG file, from left to right."""
    fills: dict[str, list[str]] = {}
    for element in ElementTree.parse(picture).iter(f"{SVG}g"):
        name, _, number = element.get("id", "").rpartition(":")
        if name and number.isdigit():
            style = element.find(f"{SVG}path").get("style")
            parts = dict(part.split(": ") for part in style.split("; "))
            fills.setdefault(name, []).append(parts["fill"])
    return fills


@pytest.mark.parametrize("name", ["mini_resnet", "added_concatenation", "nested_functional"])
def test_colours_agree_within_a_group(name: str, tmp_path: Path) -> None:
    model = build(name)
    graph = tfprune.trace(model)
    draw(model, tmp_path / "net.svg")
    fills = _drawn_fills(tmp_path / "net.svg")
    colours = group_colours(graph.groups)
    calls = read_calls(model, graph)
    assert set(fills) == {node.path for node in calls.nodes}
    for node in calls.nodes:
        expected = [WHOLE if b.group is None else colours[b.group] for b in node.bands]
        assert fills[node.path] == expected


def test_inexact_groups_are_hatched(tmp_path: Path) -> None:
    model = build("layer_normalisation")
    graph = tfprune.trace(model)
    draw(model, tmp_path / "net.svg", graph)
    fills = _drawn_fills(tmp_path / "net.svg")
    hatched = {name for name, values in fills.items() if values[0].startswith("url(#")}
    inexact = {group.name for group in graph.groups if group.prunable and not group.exact}
    assert inexact
    assert inexact <= hatched
    assert not hatched & {group.name for group in graph.groups if group.exact}


def test_what_a_layer_makes_and_keeps_to_itself_is_on_its_row() -> None:
    x = keras.Input((5, 8))
    y = layers.MultiHeadAttention(2, 4, name="attention")(x, x)
    model = keras.Model(x, layers.Dense(2)(layers.GlobalAveragePooling1D()(y)))
    graph = tfprune.trace(model)
    node = next(node for node in read_calls(model, graph).nodes if node.path == "attention")
    made = {
        index
        for index, group in enumerate(graph.groups)
        for producer in group.producers
        if producer.path == "attention"
    }
    assert set(node.inside) == made - {band.group for band in node.bands}


# -- the files


def _texts(picture: Path) -> list[str]:
    return ["".join(node.itertext()) for node in ElementTree.parse(picture).iter(f"{SVG}text")]


def test_an_svg_holds_each_name_and_is_the_same_each_time(tmp_path: Path) -> None:
    model = build("nested_twice")
    draw(model, tmp_path / "one.svg")
    draw(model, tmp_path / "two.svg")
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    texts = _texts(tmp_path / "one.svg")
    for path, record in tfprune.trace(model).records.items():
        if not isinstance(record.operation, keras.Model):
            assert path in texts
    assert {"left", "right", "twin/conv2d (call 2)"} <= set(texts)
    assert "Dense  ·  2  ·  output" in texts


def test_names_are_drawn_as_they_are(tmp_path: Path) -> None:
    x = keras.Input((6,), name="$x_1^2$")
    model = keras.Model(x, layers.Dense(2, name="a<b>&$c$")(x))
    draw(model, tmp_path / "net.svg")
    assert {"$x_1^2$", "a<b>&$c$"} <= set(_texts(tmp_path / "net.svg"))


@pytest.mark.parametrize(("suffix", "begins"), [(".png", b"\x89PNG"), (".pdf", b"%PDF")])
def test_the_suffix_names_the_format(suffix: str, begins: bytes, tmp_path: Path) -> None:
    picture = tmp_path / f"net{suffix}"
    draw(build("two_heads"), picture)
    assert picture.read_bytes().startswith(begins)
    assert list(tmp_path.iterdir()) == [picture]


def test_a_model_without_layers_is_drawn(tmp_path: Path) -> None:
    x = keras.Input((3,), name="only")
    draw(keras.Model(x, x), tmp_path / "net.svg")
    assert "only" in _texts(tmp_path / "net.svg")


def test_a_picture_that_fails_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "net.svg").write_text("before")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(painting, "paint", fail)
    with pytest.raises(FileError, match="the disk is full"):
        draw(build("chain"), tmp_path / "net.svg")
    assert (tmp_path / "net.svg").read_text() == "before"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    ("name", "reason"),
    [("net.jpg", r"\*.svg, \*.png or \*.pdf"), ("net", "rename"), ("no/net.svg", "does not exist")],
)
def test_a_file_that_cannot_be_is_refused(name: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(FileError, match=reason):
        check_picture(tmp_path / name)


@pytest.mark.parametrize("missing", ["matplotlib", "networkx"])
def test_a_missing_extra_is_told_with_the_line_to_type(
    missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(MissingExtraError, match=rf"{missing} is not .*pip install 'tfprune\[plot"):
        draw(build("chain"), tmp_path / "net.svg")


# -- the layout


@st.composite
def boxes_and_links(draw: st.DrawFn) -> tuple[list[tuple[float, float]], set[tuple[int, int]]]:
    count = draw(st.integers(1, 14))
    sides = st.integers(1, 12).map(lambda side: side / 4)
    sizes = draw(st.lists(st.tuples(sides, sides), min_size=count, max_size=count))
    ends = st.integers(0, count - 1)
    pairs = draw(st.lists(st.tuples(ends, ends), max_size=3 * count))
    return sizes, {(min(pair), max(pair)) for pair in pairs if pair[0] != pair[1]}


@given(boxes_and_links())
def test_boxes_lie_apart_on_the_page_and_links_lead_down(
    case: tuple[list[tuple[float, float]], set[tuple[int, int]]],
) -> None:
    sizes, links = case
    layout = lay_out(sizes, links)
    _check_boxes(layout, sizes)
    for route in layout.routes:
        target = route.link[1]
        if not route.turns:
            assert all(a[1] <= b[1] for a, b in itertools.pairwise(route.points))
        if route.arrives:
            x, y = layout.corners[target]
            assert route.points[-1] == pytest.approx((x + sizes[target][0] / 2, y))
        for x, y in route.points:
            assert -1e-9 <= x <= layout.width + 1e-9
            assert -1e-9 <= y <= layout.height + 1e-9
    arrived = {route.link for route in layout.routes if route.arrives}
    assert arrived == links


def _check_boxes(layout: Layout, sizes: list[tuple[float, float]]) -> None:
    ends = [
        (x, y, x + width, y + height)
        for (x, y), (width, height) in zip(layout.corners, sizes, strict=True)
    ]
    assert all(min(end) >= -1e-9 for end in ends)
    assert all(end[2] <= layout.width + 1e-9 and end[3] <= layout.height + 1e-9 for end in ends)
    for a, b in itertools.combinations(ends, 2):
        assert min(a[2], b[2]) <= max(a[0], b[0]) or min(a[3], b[3]) <= max(a[1], b[1])


def test_a_long_chain_with_skips_becomes_columns_with_a_straight_spine() -> None:
    count = 180
    sizes = [(2.5, 0.4)] * count
    links = {(i, i + 1) for i in range(count - 1)} | {(i, i + 3) for i in range(0, count - 3, 3)}
    layout = lay_out(sizes, links)
    lefts = {round(x, 6) for x, _ in layout.corners}
    assert 2 <= len(lefts) <= 10  # one for each column
    assert 0.5 < layout.width / layout.height < 3
    assert sum(route.turns for route in layout.routes) == len(lefts) - 1


def test_lines_that_need_not_cross_do_not() -> None:
    # Two heads whose boxes come in the order that crosses.
    links = {(0, 1), (0, 2), (1, 4), (2, 3)}
    layout = lay_out([(1.0, 0.2)] * 5, links)
    lefts = [x for x, _ in layout.corners]
    assert (lefts[1] < lefts[2]) == (lefts[4] < lefts[3])


def test_crossings_by_hand() -> None:
    above, below = [(0, 0), (1, 0)], [(2, 1), (3, 1)]
    straight = {((0, 0), (2, 1)), ((1, 0), (3, 1))}
    assert crossings([above, below], straight) == 0
    assert crossings([above[::-1], below], straight) == 1


@given(
    st.lists(
        st.tuples(
            st.lists(st.tuples(st.integers(-9, 9), st.integers(1, 3)), min_size=1, max_size=3),
            st.integers(0, 4),
            st.integers(-12, 12),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_no_row_serves_the_pulls_better_than_the_fit(
    spots: list[tuple[list[tuple[int, int]], int, int]],
) -> None:
    pulls = [[(float(at), float(weight)) for at, weight in wishes] for wishes, _, _ in spots]
    steps = [float(step) for _, step, _ in spots]

    def cost(row: list[float]) -> float:
        return sum(
            w * abs(x - at) for x, wishes in zip(row, pulls, strict=True) for at, w in wishes
        )

    found = fit(pulls, steps)
    gaps = [b - a for a, b in itertools.pairwise(found)]
    assert all(gap >= step - 1e-9 for gap, step in zip(gaps, steps[1:], strict=True))
    other: list[float] = []
    for (_, _, at), step in zip(spots, steps, strict=True):
        other.append(max(float(at), other[-1] + step) if other else float(at))
    assert cost(found) <= cost(other) + 1e-9
