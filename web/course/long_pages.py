"""Long pages open quickly: a section that is not on the screen waits until it is near.

The browser is told not to lay out such a section, and how much room to keep for it. An estimate
will do, since the room is corrected, out of sight, before the section appears.
"""

import re

TAG = re.compile(r"<section\b[^>]*>|</section>")
CODE, FIGURE = re.compile(r"<pre>(.*?)</pre>", re.DOTALL), re.compile(r"<svg\b.*?</svg>", re.DOTALL)
RATIO = re.compile(r"aspect-ratio: ([\d.]+)/([\d.]+); width: (\d+)px")
# In pixels, on a screen of usual width.
LINE, LINE_OF_CODE, LETTERS, GAP, LIVE = 27, 21, 85, 20, 600


def set_aside(html):
    """Return a page whose sections, those under its title, say how much room they need."""
    open_sections, pieces, done = [], [], 0
    for tag in TAG.finditer(html):
        if tag[0] != "</section>":
            open_sections.append(tag)
            continue
        section = open_sections.pop()
        if len(open_sections) == 1:  # the page's own section is around it
            height = estimate(html[section.end() : tag.start()])
            style = f' style="--dl-room: {height}px">'
            pieces += [html[done : section.end() - 1], style]
            done = section.end()
    return "".join([*pieces, html[done:]])


def estimate(section):
    """Return about how many pixels a section is high."""
    height = sum(
        float(width) * float(down) / float(across) + 4 * LINE
        for across, down, width in RATIO.findall(section)
    )
    height += section.count(" data-live=") * LIVE
    code = CODE.findall(section)
    height += sum(text.count("\n") + 2 for text in code) * LINE_OF_CODE
    prose = CODE.sub("", FIGURE.sub("", section))
    blocks = len(re.findall(r"<(?:p|h\d|pre|li|tr|dt)\b", section))
    letters = len(re.sub(r"<mjx-container.*?</mjx-container>|<[^>]*>", "", prose, flags=re.DOTALL))
    return round(height + letters / LETTERS * LINE + blocks * GAP)
