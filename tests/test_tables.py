"""Tables show every cell as it is, numbers to the right."""

from hypothesis import given
from hypothesis import strategies as st

from tfprune.report.tables import render

WORD = st.text(alphabet="abcxyz012_.[]/-%:", min_size=1, max_size=12)


def test_numbers_are_set_to_the_right_and_names_to_the_left() -> None:
    lines = render(("layer", "MACs"), [("conv1", "7"), ("a", "12,000"), ("c", "")]).split("\n")
    assert lines[1:] == [
        "  layer     MACs",
        " ────────────────",
        "  conv1        7",
        "  a       12,000",
        "  c",
        "",
    ]


def test_a_title_stands_above() -> None:
    assert render(("a",), [("1",)], title="costs").split("\n")[0] == "costs"


def test_a_table_without_rows_shows_its_head() -> None:
    assert "layer" in render(("layer", "kept"), [])


def test_a_long_cell_is_not_folded() -> None:
    assert "x" * 500 in render(("a", "b"), [("x" * 500, "y" * 500)])


@given(st.lists(st.tuples(WORD, WORD), min_size=1, max_size=5))
def test_every_cell_is_shown_as_it_is(rows: list[tuple[str, str]]) -> None:
    lines = render(("first", "second"), rows).split("\n")
    body = lines[3 : 3 + len(rows)]
    assert [tuple(line.split()) for line in body] == rows
