"""A live figure in a notebook: an anywidget, where there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlbook.figures.live import player

if TYPE_CHECKING:
    from dlbook.figures.live.figure import LiveFigure


def widget_of(figure: LiveFigure) -> Any:
    """Return a widget that shows the figure and brings its state back; None without anywidget."""
    try:
        import anywidget
        import traitlets
    except ModuleNotFoundError:
        return None

    class Live(anywidget.AnyWidget):
        _esm = player.widget_script(figure.name, figure.spec(), figure.sources())
        _css = player.part("live.css")
        html = traitlets.Unicode().tag(sync=True)
        start = traitlets.Dict().tag(sync=True)
        state = traitlets.Dict().tag(sync=True)

    return Live(html=figure.html(), start=figure.start, state=figure.start)
