"""What a check, a hint or a solution says: text anywhere, a coloured box in a notebook."""

import html
from dataclasses import dataclass, field

import numpy as np

# Mid tones that read on white and on black alike; the text keeps the page's own colour.
COLORS = {
    "right": "#2f9e5b",
    "wrong": "#d2553d",
    "untried": "#8a8f98",
    "noted": "#3b82c4",
    "hint": "#c28a17",
    "solution": "#3b82c4",
}
MARKS = {"right": "✓", "wrong": "✗", "untried": "○", "noted": "✎", "hint": "?", "solution": "→"}

TIGHT = "margin: 0.3em 0"
LABEL = "text-align: left; font-weight: normal; padding-right: 1em; vertical-align: top"


@dataclass
class Message:
    """A status, a headline, named values and a text; true if the answer was right."""

    status: str
    headline: str
    values: list[tuple[str, str]] = field(default_factory=list)  # of a label and a text
    text: str = ""
    code: str = ""

    def __bool__(self) -> bool:
        return self.status == "right"

    @property
    def passed(self) -> bool:
        """Whether the answer was right."""
        return self.status == "right"

    def __repr__(self) -> str:
        lines = [f"{MARKS[self.status]} {self.headline}"]
        width = max((len(label) for label, _ in self.values), default=0) + 1
        for label, value in self.values:
            first, *rest = value.split("\n")
            lines.append(f"    {label + ':':<{width}} {first}")
            lines.extend(" " * (width + 5) + line for line in rest)
        for block in (self.text, self.code):
            lines.extend(f"    {line}".rstrip() for line in block.split("\n") if block)
        return "\n".join(lines)

    def _repr_html_(self):
        color, e = COLORS[self.status], html.escape
        head = f'<strong style="color: {color}">{MARKS[self.status]}</strong> '
        parts = [f'<p style="{TIGHT}">{head}<strong>{e(self.headline)}</strong></p>']
        if self.values:
            rows = (
                f'<tr style="background: none"><th scope="row" style="{LABEL}">{e(label)}</th>'
                f'<td style="{LABEL}"><code style="white-space: pre">{e(value)}</code></td></tr>'
                for label, value in self.values
            )
            parts.append(f'<table style="{TIGHT}">{"".join(rows)}</table>')
        if self.text:
            parts += [f'<p style="{TIGHT}">{e(part)}</p>' for part in self.text.split("\n\n")]
        if self.code:
            parts.append(f"<pre><code>{e(self.code)}</code></pre>")
        edge = f"border-left: 4px solid {color}; padding: 0.2em 0 0.2em 0.9em"
        return f'<div style="{edge}">{"".join(parts)}</div>'


def show(value, limit=600):
    """Write a value as a student would: plain lists, few digits, no type names."""
    if isinstance(value, np.ndarray):
        digits = {"float_kind": lambda number: f"{number:.6g}"}
        text = np.array2string(
            value, separator=", ", threshold=60, max_line_width=72, formatter=digits
        )
        text += f" (shape {value.shape})" * (value.size == 0)
    elif isinstance(value, (np.generic, float)):
        text = f"{value:.10g}" if isinstance(value, (float, np.floating)) else str(value)
    elif isinstance(value, tuple):
        text = "(" + _joined(value) + ("," if len(value) == 1 else "") + ")"
    elif isinstance(value, list):
        text = "[" + _joined(value) + "]"
    elif isinstance(value, dict):
        text = "{" + ", ".join(f"{show(k)}: {show(v)}" for k, v in value.items()) + "}"
    else:
        text = repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _joined(values):
    """Join what a list holds; what takes several lines, such as a matrix, stands by itself."""
    parts = [show(value) for value in values]
    if not any("\n" in part for part in parts):
        return ", ".join(parts)
    return ",\n ".join(part.replace("\n", "\n ") for part in parts)
