"""Print the medians of Lighthouse's reports on a page: `lighthouse_medians.py PAGE FILE...`."""

import json
import statistics
import sys
from pathlib import Path

SCORES = ("performance", "accessibility", "best-practices", "seo")
TIMES = {"first-contentful-paint": "first paint", "largest-contentful-paint": "largest paint",
         "total-blocking-time": "blocked"}  # fmt: skip


def summary(reports):
    """Return one line on some reports."""

    def median(value):
        return statistics.median(value(report) for report in reports)

    parts = [f"{name} {100 * median(lambda r: r['categories'][name]['score']):.0f}"  # noqa: B023
             for name in SCORES]  # fmt: skip
    for audit, name in TIMES.items():
        parts.append(f"{name} {median(lambda r: r['audits'][audit]['numericValue']):.0f} ms")  # noqa: B023
    weight = median(lambda r: r["audits"]["total-byte-weight"]["numericValue"])
    return ", ".join([*parts, f"{weight / 1000:.0f} kB"])


if __name__ == "__main__":
    page, *files = sys.argv[1:]
    reports = [json.loads(Path(file).read_text(encoding="utf-8")) for file in files]
    print(f"{page}: {summary(reports)}")
    for audit in reports[0]["audits"].values():
        if audit["score"] == 0 and audit["scoreDisplayMode"] == "binary":
            print(f"    {audit['id']}: {audit['title']}")
