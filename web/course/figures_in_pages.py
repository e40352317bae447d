"""Figures that weigh a third of what Matplotlib writes, and look the same.

Matplotlib gives each drawing its own copy of every letter, writes coordinates in full, to a
hundredth of a point, and puts a group and a name around everything. In a page the letters stand
once, curves go in steps from point to point, and names that nobody calls are left out.
"""

import math
import re
from functools import cache

FIGURE = re.compile(r"<svg\b[^>]*\brole=\"img\".*?</svg>", re.DOTALL)
# Outlines of letters have a name with their font and number: dl6c4c5cc0-DejaVuSans-13.
LETTER = re.compile(r'<path id="dl[0-9a-f]{8}-((?:DejaVu|STIX)\w*-[0-9a-f]+)"([^>]*)/>')
LETTER_USED = re.compile(r'href="#dl[0-9a-f]{8}-((?:DejaVu|STIX)\w*-[0-9a-f]+)"')
LETTER_MOVED = re.compile(r'(<use [^>]*?)transform="translate\(([-\d.]+) ([-\d.]+)\)"/>')
STEP = re.compile(r"([MLQCZz])([^MLQCZz]*)")
LONG = 12  # points: more than a bar or a frame has
CLOSE = 0.05  # points of print


def slim(html):
    """Return the body of a page with lighter figures."""
    letters = {}

    def slim_figure(found):
        svg = LETTER.sub(lambda letter: letters.setdefault(letter[1], letter[2]) and "", found[0])
        return _slim_figure(svg)

    page = FIGURE.sub(slim_figure, html)
    shapes = "".join(_slim_path(f'<path id="{name}"{rest}/>') for name, rest in letters.items())
    alphabet = f'<svg class="dl-letters" aria-hidden="true"><defs>{shapes}</defs></svg>'
    return alphabet + page if letters else page


@cache  # a figure stands on its own page, and small on those that list it
def _slim_figure(svg):
    svg = LETTER_USED.sub(r'href="#\1"', svg)
    svg = LETTER_MOVED.sub(lambda m: f"{m[1]}{_at(m[2], m[3])}/>", svg)
    called = set(re.findall(r'(?:href="#|url\(#)([^")]+)', svg))
    svg = re.sub(r' id="([^"]+)"', lambda name: name[0] if name[1] in called else "", svg)
    svg = re.sub(r"<(?:path|use|g)\b[^>]*>", lambda tag: _slim_path(tag[0]), svg)
    svg = re.sub(r">\s+<", "><", svg)
    svg = re.sub(r' xmlns:xlink="[^"]*"', "", svg).replace(" xlink:href=", " href=")
    # A picture in the page needs no colours for where the page's are not known.
    svg = re.sub(r"var\((--dl-[\w-]+), #\w+\)", r"var(\1)", svg)
    svg = svg.replace("<defs></defs>", "")
    svg = re.sub(
        r'( viewBox="0 0 ([\d.]+) ([\d.]+)".*? style=")', r"\1aspect-ratio: \2/\3; ", svg, count=1
    )
    return _without_bare_groups(svg)


def _at(x, y):
    places = f'x="{_short(float(x), 1)}"', f'y="{_short(float(y), 1)}"'
    return " ".join(place for place in places if '"0"' not in place)


def _slim_path(tag):
    """Write the outline in a tag, and its place, with fewer digits."""
    tag = re.sub(r'\bd="([^"]*)"', lambda d: f'd="{relative(d[1])}"', tag)
    digits = 1 if tag.startswith("<use") else 2
    tag = re.sub(
        r'\b([xy])="([-\d.]+)"', lambda at: f'{at[1]}="{_short(float(at[2]), digits)}"', tag
    )
    return re.sub(r"(\d\.\d{4})\d+", r"\1", tag)


def _without_bare_groups(svg):
    """Take away the groups that say nothing, with their ends."""
    open_groups = []

    def decide(tag):
        if tag[0] == "</g>":
            return tag[0] if open_groups.pop() else ""
        says = tag[0] != "<g>"
        open_groups.append(says)
        return tag[0] if says else ""

    return re.sub(r"<g\b[^>]*>|</g>", decide, svg)


def relative(outline):
    """Write an outline as steps from point to point.

    A long one is held to a twentieth of a point, a fifteenth of a pixel, and loses the points that
    lie that close to a straight line between others; a short one, such as a bar or a frame, is
    held to a two-hundredth. Steps lead between rounded points, so that errors do not add up.
    One that consists of steps already, as in a figure that moves, stays as it is.
    """
    if re.search("[a-y]", outline):
        return outline
    moves = [(command, _points(numbers)) for command, numbers in STEP.findall(outline)]
    long = sum(len(points) for _, points in moves) > LONG
    unit = 10 if long else 100
    here, start, out, last = (0, 0), (0, 0), "", ""
    for command, points in _thin(moves) if long else moves:
        rounded = [(round(x * unit), round(y * unit)) for x, y in points]
        letter = command.lower()
        if letter == "z":
            here, out, last = start, f"{out}z", "z"
            continue
        steps = " ".join(
            f"{_short((x - here[0]) / unit, 2)} {_short((y - here[1]) / unit, 2)}"
            for x, y in rounded
        )
        here = rounded[-1]
        if letter == "m":
            start = here
        # After a move, and after a step of the same kind, the letter goes without saying.
        silent = letter in "lqc" and (last == letter or (last == "m" and letter == "l"))
        out += (" " if silent else letter) + steps
        last = letter
    return out.replace(" -", "-")


def _points(numbers):
    values = [float(number) for number in numbers.split()]
    return list(zip(values[::2], values[1::2], strict=True))


def _thin(moves):
    """Leave out the ends of straight lines that a straight line can pass over."""
    kept, run = [], []
    for command, points in [*moves, ("", [])]:
        if command == "L":
            run += points
            continue
        if run:
            origin = kept[-1][1][-1] if kept[-1][1] else run[0]
            kept += [("L", [point]) for point in passed([origin, *run])[1:]]
            run = []
        if command:
            kept.append((command, points))
    return kept


def passed(points):
    """Return the points of a broken line that it needs to stay within ``CLOSE`` of itself."""
    kept, first = points[:1], 0
    for last in range(2, len(points)):
        if _strays(points[first + 1 : last], points[first], points[last]):
            first = last - 1
            kept.append(points[first])
    return [*kept, points[-1]]


def _strays(points, start, end):
    """Return whether a point is not ``CLOSE`` to the line that leads from start to end."""
    # Most of the time that a page needs goes into this loop: it calls no more than it must.
    across, along = end[0] - start[0], end[1] - start[1]
    length = across * across + along * along
    for point in points:
        x, y = point[0] - start[0], point[1] - start[1]
        share = (x * across + y * along) / length if length else 0
        share = 0 if share < 0 else 1 if share > 1 else share
        if math.hypot(x - share * across, y - share * along) > CLOSE:
            return True
    return False


def _short(number, digits):
    text = f"{number:.{digits}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    text = re.sub(r"^(-?)0\.", r"\1.", text)
    return "0" if text in ("-0", "", "-") else text
