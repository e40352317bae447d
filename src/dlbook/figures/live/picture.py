"""The picture of a live figure: SVG by hand, light and with real text, and tables beside it.

Whatever moves is an element with ``data-mark``; the figure's frame gives it its place. Colours are
the house's, by class (``blue``, ``orange``, ...), and follow the theme of the page.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

Pair = tuple[float, float]


@dataclass(frozen=True)
class Axes:
    """Where in a panel the plane is, and which part of the plane.

    Attributes
    ----------
    x, y : (float, float)
        From where to where.
    box : (float, float, float, float)
        Left, top, width and height of the plane in the panel.
    """

    x: Pair
    y: Pair
    box: tuple[float, float, float, float] = (34, 30, 300, 300)

    def spec(self) -> dict[str, Any]:
        return {"x": self.x, "y": self.y, "box": self.box}

    def at(self, x: float, y: float) -> Pair:
        """Return where a point is in the panel."""
        left, top, width, height = self.box
        across = (x - self.x[0]) / (self.x[1] - self.x[0])
        up = (y - self.y[0]) / (self.y[1] - self.y[0])
        return round(left + across * width, 2), round(top + (1 - up) * height, 2)


def element(tag: str, *children: Element | str, **attributes: Any) -> Element:
    """Return an element; ``class_`` is its class, ``data_mark`` the attribute data-mark, ..."""
    names = {key: key.rstrip("_").replace("_", "-") for key in attributes}
    made = Element(tag, {names[key]: str(value) for key, value in attributes.items()})
    for child in children:
        if isinstance(child, str):
            if len(made):
                made[-1].tail = (made[-1].tail or "") + child
            else:
                made.text = (made.text or "") + child
        else:
            made.append(child)
    return made


def text(x: float, y: float, words: str, **attributes: Any) -> Element:
    return element("text", words, x=x, y=y, **attributes)


def marks(name: str, tag: str, count: int, *children: Element, **attributes: Any) -> list[Element]:
    """Return as many elements of one kind as a mark has."""
    return [element(tag, *children, data_mark=name, **attributes) for _ in range(count)]


def panel(
    title: str,
    axes: Axes,
    inside: Iterable[Element],
    outside: Iterable[Element] = (),
    ticks: Sequence[float] = (0, 1),
    labels: tuple[str, str] = ("", ""),
    name: str = "",
) -> Element:
    """Return a panel: a plane in a frame, what is cut off at the frame, and what is not."""
    left, top, width, height = axes.box
    right, bottom = left + width, top + height
    size = f"0 0 {right + 12:g} {bottom + 38:g}"
    frame = {"x": left, "y": top, "width": width, "height": height}
    # A plane of its own for what lies in the frame: it is cut off there.
    plane = element(
        "svg", *inside, **frame, viewBox=f"{left} {top} {width} {height}", class_="plane"
    )
    around = []
    for tick in ticks:
        x, y = axes.at(tick, axes.y[0])[0], axes.at(axes.x[0], tick)[1]
        words = f"{tick:g}".replace("-", "−")
        around += [text(x, bottom + 16, words, class_="tick middle")]
        around += [text(left - 8, y + 4, words, class_="tick end")]
    around += [
        text(left + width / 2, top - 10, title, class_="title middle"),
        text(left + width / 2, bottom + 32, labels[0], class_="middle italic"),
        text(14, top + height / 2, labels[1], class_="middle italic"),
    ]
    return element(
        "svg",
        element("rect", **frame, class_="paper"),
        plane,
        element("rect", **frame, class_="frame"),
        *around,
        *outside,
        viewBox=size,
        class_=f"live-panel {name}".rstrip(),
        aria_hidden="true",
    )


def table(
    head: Sequence[tuple[str, int]], rows: Sequence[Sequence[Element]], **more: Any
) -> Element:
    """Return a table whose columns come in groups: (name, how many)."""
    names = [element("th", words, colspan=span, scope="colgroup") for words, span in head]
    body = [element("tr", *cells) for cells in rows]
    return element(
        "table",
        element("thead", element("tr", *names)),
        element("tbody", *body),
        class_="live-table",
        **more,
    )


def written(*elements: Element) -> str:
    """Return elements as HTML."""
    return "".join(ElementTree.tostring(e, "unicode", "html") for e in elements)


def show(root: Element, frame: dict[str, list[dict[str, Any]]]) -> None:
    """Give each part that moves what a frame says of it."""
    seen: dict[str, int] = {}
    for part in root.iter():
        name = part.get("data-mark")
        if name is None or name not in frame:
            continue
        place = seen.get(name, 0)
        seen[name] = place + 1
        for key, value in frame[name][place].items():
            if key == "text":
                part.text = value
            else:
                part.set(key, str(value))
    for name, items in frame.items():
        if seen.get(name, 0) != len(items):
            raise ValueError(
                f"a live figure: the mark {name!r} has {len(items)} values and "
                f"{seen.get(name, 0)} elements in the picture"
            )
