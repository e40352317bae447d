"""The letters of the site: Source Serif for reading, Source Sans for what stands beside.

`python tools/fonts.py FOLDER` takes them from the npm packages @fontsource/source-serif-4 and
@fontsource/source-sans-3 (5.3), unpacked into FOLDER, and writes them into `web/theme/static/fonts`
with the letters that an English text on mathematics needs and no others. It needs fonttools and
brotli. Run it again only for a letter that is missing: what it makes is part of the repository.
"""

import sys
from pathlib import Path

from fontTools import subset

TARGET = Path(__file__).resolve().parents[1] / "web/theme/static/fonts"
FACES = {
    "source-serif-4-latin-400-normal": "serif",
    "source-serif-4-latin-400-italic": "serif-italic",
    "source-serif-4-latin-600-normal": "serif-bold",
    "source-sans-3-latin-400-normal": "sans",
    "source-sans-3-latin-600-normal": "sans-bold",
}
LETTERS = [*range(0x20, 0x7F), *range(0xA0, 0x100), 0x131, 0x152, 0x153]
SIGNS = "–—‘’“”•…‹›€™−←↑→↓\N{NON-BREAKING HYPHEN}\N{THIN SPACE}"
FAMILY, FULL, UNIQUE, POSTSCRIPT, TYPOGRAPHIC, COPYRIGHT = 1, 4, 3, 6, 16, 0


def main(folder):
    TARGET.mkdir(parents=True, exist_ok=True)
    holders = []
    for source, name in FACES.items():
        file = next(Path(folder).rglob(f"{source}.woff2"))
        options = subset.Options(flavor="woff2", hinting=False, layout_features=["kern", "liga"])
        font = subset.load_font(file, options)
        subsetter = subset.Subsetter(options)
        subsetter.populate(unicodes=LETTERS, text=SIGNS)
        subsetter.subset(font)
        # Who changes these fonts may not call them by the name that is reserved for them.
        holders.append(font["name"].getDebugName(COPYRIGHT))
        for kind in (FAMILY, FULL, UNIQUE, POSTSCRIPT, TYPOGRAPHIC):
            for record in [r for r in font["name"].names if r.nameID == kind]:
                record.string = f"dlbook-{name}"
        subset.save_font(font, TARGET / f"{name}.woff2", options)
    terms = next(Path(folder).glob("*source*/package/LICENSE")).read_text(encoding="utf-8")
    terms = terms[terms.index("This Font Software is licensed") :]
    lines = [
        "Made from Source Serif 4 and Source Sans 3; see tools/fonts.py.",
        *dict.fromkeys(holders),
    ]
    (TARGET / "OFL.txt").write_text("\n".join([*lines, "", terms]), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
