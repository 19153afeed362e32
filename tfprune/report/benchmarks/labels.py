"""Names beside dots, so that they cover neither each other nor the dots."""

from collections.abc import Sequence
from dataclasses import dataclass

Box = tuple[float, float, float, float]

_WIDTH, _HEIGHT = 4.6, 10.0
_SIDES = (
    (7.0, 0.0, "left"),
    (-7.0, 0.0, "right"),
    (0.0, 10.0, "center"),
    (0.0, -10.0, "center"),
    (6.0, 9.0, "left"),
    (-6.0, 9.0, "right"),
    (6.0, -9.0, "left"),
    (-6.0, -9.0, "right"),
)


@dataclass(frozen=True)
class Label:
    """A name, and where it stands.

    Attributes:
        dot: the number of its dot.
        text: the name.
        x: points to the right of the dot.
        y: points above it.
        align: which end of the name stands there: "left", "right" or "center".
    """

    dot: int
    text: str
    x: float
    y: float
    align: str


def label_places(
    dots: Sequence[tuple[float, float]], names: Sequence[str], frame: Box, pixels: float
) -> list[Label]:
    """Places each name on the side of its dot where it covers least.

    Args:
        dots: in pixels, across and up.
        names: as many.
        frame: left, bottom, right and top of the axes, in pixels.
        pixels: of a point.

    Example:
        >>> places = label_places([(50, 50), (58, 50)], ["a", "b"], (0, 0, 100, 100), 1.0)
        >>> [place.align for place in places]
        ['right', 'left']
    """
    taken: list[Box] = [(x - 5, y - 5, x + 5, y + 5) for x, y in dots]
    found = []
    for number, ((x, y), name) in enumerate(zip(dots, names, strict=True)):
        width, height = _WIDTH * len(name) * pixels, _HEIGHT * pixels
        others = taken[:number] + taken[number + 1 :]
        boxes = [_box(x + dx * pixels, y + dy * pixels, width, height, a) for dx, dy, a in _SIDES]
        costs = [
            sum(_shared(box, other) for other in others) + 4 * _outside(box, frame) for box in boxes
        ]
        best = min(range(len(_SIDES)), key=costs.__getitem__)
        taken.append(boxes[best])
        dx, dy, align = _SIDES[best]
        found.append(Label(number, name, dx, dy, align))
    return found


def _box(x: float, y: float, width: float, height: float, align: str) -> Box:
    left = {"left": x, "right": x - width, "center": x - width / 2}[align]
    return left, y - height / 2, left + width, y + height / 2


def _shared(one: Box, other: Box) -> float:
    across = min(one[2], other[2]) - max(one[0], other[0])
    up = min(one[3], other[3]) - max(one[1], other[1])
    return max(across, 0.0) * max(up, 0.0)


def _outside(box: Box, frame: Box) -> float:
    area = (box[2] - box[0]) * (box[3] - box[1])
    return area - _shared(box, frame)
