"""What figures that one can move need beside the pages: the player, and a file for each."""

from pathlib import Path

from dlbook.figures import live
from dlbook.figures.live import player


def write_scripts(app, exception):
    """Write the scripts that a page asks for when such a figure comes near."""
    if exception is not None or app.builder.format != "html":
        return
    folder = Path(app.outdir, "_static", "live")
    folder.mkdir(parents=True, exist_ok=True)
    folder.with_suffix(".js").write_text(player.site_script(), encoding="utf-8")
    for name, make in live.FIGURES.items():
        (folder / f"{name}.js").write_text(make().script(), encoding="utf-8")
