"""Verdicts on the book's claims: how they are judged, and how they show themselves."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from dlbook import seeds, showing
from dlbook.claims import Finding, interval, judge, judgements, listed, mean, share
from dlbook.claims.finding import VERDICTS

TRIED = "3 seeds"


@pytest.mark.parametrize("verdict", sorted(VERDICTS))
def test_a_finding_says_its_verdict_and_what_was_tried(verdict):
    finding = Finding("claim-6-2-1-a", verdict, "The weight grew to 8.1.", "3 seeds.")
    assert repr(finding) == f"Claim 6.2.1-a {verdict}: The weight grew to 8.1. Tried: 3 seeds."


def test_a_finding_gives_a_notebook_its_text_and_its_colour(monkeypatch):
    for name in showing.STRICT:
        monkeypatch.delenv(name, raising=False)
    bundle = Finding("claim-6-0-a", "holds", "The error is 0.25.", TRIED)._repr_mimebundle_()
    assert bundle["text/plain"] == "Claim 6.0-a holds: The error is 0.25. Tried: 3 seeds."
    assert '<div class="dl-finding dl-holds"><p><strong>Claim 6.0-a holds.' in bundle["text/html"]


def test_a_finding_gives_a_page_a_box_with_its_verdict_as_a_class(monkeypatch):
    monkeypatch.setenv("DLBOOK_FIGURES", "html")
    finding = Finding("claim-6-2-2-j", "holds in part", "1 < 2 & 'three'", TRIED, "So.\n\nOr so.")
    box = ElementTree.fromstring(finding._repr_mimebundle_()["text/html"])
    assert box.tag == "div" and box.get("class") == "dl-finding dl-holds-in-part"
    assert box.find("p/strong").text == "Claim 6.2.2-j holds in part."
    assert box.find("p/strong").tail == " 1 < 2 & 'three'"
    assert box.find("p[@class='dl-tried']").text == "Tried: 3 seeds."
    assert box.find("details").get("open") is None
    assert [part.text for part in box.findall("details/p")] == ["So.", "Or so."]


@pytest.mark.parametrize(
    "claim", ["6.2.1-a", "claim-6.2.1-a", "claim-6-2-1", "eq-6-1", "claim-6-a-", ""]
)
def test_a_finding_needs_a_claim_as_it_is_tagged(claim):
    with pytest.raises(ValueError, match="a claim is called like 'claim-6-2-1-a', got"):
        Finding(claim, "holds", "Nothing was measured.", TRIED)


@pytest.mark.parametrize("verdict", ["yes", "in part", "Holds", "", None, True, np.True_])
def test_a_finding_needs_a_verdict_that_there_is(verdict):
    with pytest.raises(ValueError, match="claim-6-0-a: a verdict is one of did not show, holds"):
        Finding("claim-6-0-a", verdict, "Nothing was measured.", TRIED)


def test_a_finding_needs_something_that_was_tried():
    with pytest.raises(ValueError, match="claim-6-0-a: says nothing of what was tried"):
        Finding("claim-6-0-a", "holds", "The error is 0.25.", " ")


# Rules.


def test_a_claim_without_a_rule_is_an_error_that_names_those_that_there_are():
    with pytest.raises(ValueError, match=r"there is no rule for 'claim-6-9-a', only for .*6-1"):
        judge("claim-6-9-a", costs=[1.0])


@pytest.fixture
def of_one(monkeypatch):
    """A rule of its own, for a claim that there is not."""

    def rule(errors, rate):
        """The book: one is enough.

        Holds if there is
        one.

        Parameters
        ----------
        errors : array
        """
        return ("holds" if errors else "did not show"), f"There were {len(errors)}.", f"rate {rate}"

    monkeypatch.setitem(judgements(), "claim-6-9-a", rule)


def test_a_rule_gives_the_verdict_and_its_docstring_stands_in_the_box(of_one):
    finding = judge("claim-6-9-a", errors=[1], rate=0.1)
    assert repr(finding) == "Claim 6.9-a holds: There were 1. Tried: rate 0.1."
    assert finding.rule == "The book: one is enough.\n\nHolds if there is one."
    assert judge("claim-6-9-a", errors=[], rate=0.1).verdict == "did not show"


@pytest.mark.parametrize("measured", [{"errors": [1]}, {"errors": [1], "rate": 1, "steps": 3}])
def test_what_a_rule_does_not_ask_for_is_an_error_that_says_what_it_asks_for(measured, of_one):
    missing_or_too_much = "judge: claim-6-9-a is judged by errors, rate: .*('rate'|'steps')"
    with pytest.raises(TypeError, match=missing_or_too_much):
        judge("claim-6-9-a", **measured)


@pytest.mark.parametrize(("claim", "rule"), judgements().items(), ids=list(judgements()))
def test_a_rule_says_what_the_book_says_and_when_it_holds(claim, rule):
    said = " ".join(rule.__doc__.partition("Parameters\n")[0].split())
    assert re.match(r"The book[:,] ", said)
    assert re.search(r"\b[Hh]olds\b", said) and "id not show" in said
    parameters = re.findall(r"(?m)^    (\w+(?:, \w+)*) : ", rule.__doc__)
    named = {name for names in parameters for name in names.split(", ")}
    assert named == set(rule.__code__.co_varnames[: rule.__code__.co_argcount])


# Shares and means.


def test_a_share_has_wilsons_interval():
    # Newcombe (1998), table I: 81 of 263.
    assert np.round(interval(81, 263), 4).tolist() == [0.2553, 0.3662]
    assert share(81, 263) == "31% (95% interval 26% to 37%)"
    assert interval(0, 10)[0] == 0 and interval(10, 10)[1] == 1


def test_an_interval_has_the_mean_in_it_as_often_as_it_says():
    rng = np.random.default_rng(0)
    bounds = [mean(rng.normal(3, 2, 5)) for _ in range(2000)]
    assert abs(np.mean([low < 3 < high for _, low, high in bounds]) - 0.95) < 0.02


def test_one_value_has_no_interval():
    middle, *bounds = mean([4.0])
    assert middle == 4 and np.isnan(bounds).all()


@pytest.mark.parametrize(
    ("things", "text"), [([2], "2"), ([2, 3], "2 or 3"), ([2, 3, 8], "2, 3 or 8")]
)
def test_things_are_listed_as_one_says_them(things, text):
    assert listed(things, "or") == text


# Seeds.


def test_one_variable_shifts_every_seed(monkeypatch):
    plain = {seed: np.random.default_rng(seed).random() for seed in (3, 1003)}
    with seeds.shifted(1000):
        assert np.random.default_rng(3).random() == plain[1003]
        assert np.random.default_rng(np.int64(3)).random() == plain[1003]
        assert np.random.default_rng([5, 3]).random() == _plain([5, 1003])
        assert seeds.seed(1) == 1001
    assert np.random.default_rng(3).random() == plain[3]
    monkeypatch.setenv(seeds.VARIABLE, "minus one")
    with pytest.raises(ValueError, match="DLBOOK_SEED_SHIFT is a whole number from 0, got 'minus"):
        seeds.begin()


def _plain(seed):
    return np.random.Generator(np.random.PCG64(seed)).random()
