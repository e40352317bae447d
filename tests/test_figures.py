"""The drawings: what reaches a notebook, what reaches a page, and what they say in words."""

import base64
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import dlbook as dl
from dlbook import figures


@pytest.fixture
def network():
    return dl.Network(
        dl.Layer(2, 2, dl.relu, names=("W", "c", "h")),
        dl.Layer(2, "scalar", names=("w", "b", "y")),
    )


def ids_of(svg):
    return re.findall(r'\bid="([^"]+)"', svg)


def test_a_notebook_gets_a_picture_and_its_caption_as_text(network, monkeypatch):
    monkeypatch.delenv("DLBOOK_FIGURES", raising=False)
    bundle = figures.network(network).show("fig-6-2", "Drawn twice.")._repr_mimebundle_()
    assert set(bundle) == {"image/png", "text/plain"}
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
    assert bundle["text/plain"] == "Figure 6.2: Drawn twice."


def test_a_page_gets_a_vector_drawing_that_takes_its_colours_from_the_page(network, monkeypatch):
    monkeypatch.setenv("DLBOOK_FIGURES", "html")
    drawing = figures.network(network).show("fig-6-2", "Weights < arrows.")
    bundle = drawing._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/plain"}
    page = ElementTree.fromstring(bundle["text/html"])
    assert page.tag == "figure"
    assert page.find("figcaption").find("strong").tail == " Weights < arrows."
    svg = drawing.svg()
    assert ElementTree.fromstring(svg).get("aria-label") == drawing.alt
    for name in ("ink", "muted", "paper", "blue-pale", "orange-pale"):
        assert f"var(--dl-{name}, {figures.COLORS[name]})" in svg
    assert not re.search(r"(?<!, )#[0-9a-f]{6}", svg)  # no colour that the theme cannot change
    assert "<style" not in svg


def test_drawings_on_one_page_share_no_ids(network):
    drawing = figures.network(network)
    first, second = drawing.svg(), drawing.svg()
    assert len(ids_of(first)) == len(set(ids_of(first)))
    assert not set(ids_of(first)) & set(ids_of(second))
    for used in re.findall(r'(?:href="#|url\(#)([^")]+)', first):
        assert used in ids_of(first)


def test_the_site_knows_every_colour_of_the_library():
    css = (Path(__file__).parents[1] / "_static" / "custom.css").read_text(encoding="utf-8")
    light = css[css.index(":root") : css.index("}")]
    for name, color in figures.COLORS.items():
        assert f"--dl-{name}: {color};" in light


def test_a_network_is_drawn_from_the_object(network):
    alt = figures.network(network).alt
    assert "2 for x, 2 for h, 1 for y" in alt
    assert "W to h, w to y" in alt


def test_a_graph_is_drawn_with_its_gradient():
    x = dl.variable("x", ())
    gradient = dl.backprop([x], dl.relu(x) * x)[x]
    drawing = figures.computational_graph(gradient, shapes=True)
    assert "step" in drawing.alt and "from x" in drawing.alt


def test_names_that_are_no_mathematics_are_drawn_as_they_are():
    x = dl.variable("price in $", (2,))
    figures.computational_graph(dl.sum(x).named("$\\foo$")).svg()


def test_a_graph_that_nobody_could_read_is_refused():
    z = dl.variable("x", ())
    for _ in range(500):
        z = z * 2
    with pytest.raises(ValueError, match="computational_graph: 1001 nodes are too many"):
        figures.computational_graph(z)


def test_the_alternative_text_of_xor_gives_the_outputs_that_were_computed():
    X, y = dl.datasets.xor()
    H = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 0.0], [2.0, 1.0]])
    alt = figures.xor.spaces(X, y, H, np.array([1.0, -2.0]), 0.0).alt
    assert "outputs at the points are 0.00, 1.00, 1.00, 0.00" in alt
