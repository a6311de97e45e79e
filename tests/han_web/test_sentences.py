"""A contract in words: what is said is what the profile says (TR-03109-1, consumer)."""

from dataclasses import replace

import pytest
from flask import Flask

from han_web.sentences import PURPOSES, TITLES, billing, often, per, sentences, title
from smgw.han.shown import Contract
from wire.profiles.use_case import AccessPurpose, UseCase

SERIES = Contract(
    id="series",
    version=1,
    party="grid",
    party_name="Netz Nord",
    use_case="TAF-7",
    purpose="grid-operation",
    meters=("1ISK0012345678",),
    others=False,
    registers=("1-0:1.8.0*255",),
    subtracted=(),
    period_seconds=900,
    dispatch_seconds=86_400,
    billing_count=0,
    billing_unit="",
    pseudonym=False,
    stored=True,
    since=0,
    until=1,
    rule="",
    stages=(),
    switches=(),
)


def said(contract: Contract, language: str) -> list[str]:
    with Flask("empty").test_request_context(headers={"Accept-Language": language}):
        return sentences(contract)


def test_the_grid_operator() -> None:
    assert said(SERIES, "en") == [
        "Netz Nord receives one reading per quarter-hour, once a day.",
        "What is measured: Energy drawn.",
        "It may be used for running the grid only.",
    ]
    assert said(SERIES, "de")[0] == "Netz Nord erhält einen Zählerstand je Viertelstunde, gesendet einmal am Tag."


@pytest.mark.parametrize("language", ["de", "en"])
@pytest.mark.parametrize("use_case", list(UseCase))
def test_every_use_case_has_a_sentence_and_a_title(use_case: UseCase, language: str) -> None:
    contract = replace(SERIES, use_case=use_case.value, billing_count=1, billing_unit="month")
    first = said(contract, language)[0]
    assert first.startswith("Netz Nord ")
    assert first.endswith(".")
    assert "%" not in first
    assert use_case.value in TITLES


def test_every_purpose_has_words() -> None:
    assert set(PURPOSES) == {one.value for one in AccessPurpose}


def test_what_she_might_not_expect_is_said() -> None:
    contract = replace(
        SERIES,
        use_case="TAF-1",
        purpose="billing",
        others=True,
        subtracted=("1ISK0012345679",),
        pseudonym=True,
        stored=False,
        billing_count=12,
        billing_unit="month",
        registers=("1-0:1.8.0*255", "1-0:2.8.0*255", "1-0:2.8.0*255"),
        dispatch_seconds=30 * 86_400,
    )
    assert said(contract, "de") == [
        "Netz Nord erhält für jedes Jahr eine Summe und erfährt nicht, wann Sie den Strom verbraucht haben.",
        "Gesendet wird das nach dem Ende jedes dieser Zeiträume.",
        "Gemessen wird: Bezug und Einspeisung.",
        "In der Summe stecken auch Zähler anderer; Ihren Anteil kann niemand erkennen.",
        "Ein Zähler wird von der Summe abgezogen.",
        "Gesendet wird unter einem Decknamen: Weder Sie noch Ihr Zähler werden genannt.",
        "Das Gateway sendet diese Werte und behält keinen davon.",
        "Verwendet werden darf das nur für Ihre Abrechnung.",
    ]
    assert "It is sent once a month." in said(replace(contract, use_case="TAF-12"), "en"), "with covers in between"
    assert "It is about 2 meters of yours." in said(replace(SERIES, meters=("a", "b")), "en")


@pytest.mark.parametrize(
    ("seconds", "german", "english"),
    [
        (1, "einmal in der Sekunde", "once a second"),
        (90, "alle 90 Sekunden", "every 90 seconds"),
        (60, "einmal in der Minute", "once a minute"),
        (300, "alle 5 Minuten", "every 5 minutes"),
        (900, "jede Viertelstunde", "every quarter of an hour"),
        (7200, "alle 2 Stunden", "every 2 hours"),
        (86_400, "einmal am Tag", "once a day"),
        (172_800, "alle 2 Tage", "every 2 days"),
        (31 * 86_400, "einmal im Monat", "once a month"),
        (365 * 86_400, "einmal im Jahr", "once a year"),
    ],
)
def test_how_often(seconds: int, german: str, english: str) -> None:
    with Flask("empty").test_request_context(headers={"Accept-Language": "de"}):
        assert often(seconds) == german
    with Flask("empty").test_request_context(headers={"Accept-Language": "en"}):
        assert often(seconds) == english


def test_periods() -> None:
    with Flask("empty").test_request_context(headers={"Accept-Language": "de"}):
        assert [per(one) for one in (1, 30, 60, 300, 900, 3600)] == [
            "je Sekunde",
            "je 30 Sekunden",
            "je Minute",
            "je 5 Minuten",
            "je Viertelstunde",
            "je Stunde",
        ]
        lengths = [("month", 1), ("month", 3), ("month", 12), ("day", 1), ("day", 7), ("second", 60)]
        assert [billing(replace(SERIES, billing_unit=unit, billing_count=count)) for unit, count in lengths] == [
            "für jeden Monat",
            "für je 3 Monate",
            "für jedes Jahr",
            "für jeden Tag",
            "für je 7 Tage",
            "für je 60 Sekunden",
        ]


def test_a_use_case_that_nobody_knows_is_told_all_the_same() -> None:
    contract = replace(SERIES, use_case="TAF-99", purpose="something")
    assert said(contract, "en")[0] == "Netz Nord receives values of yours."
    with Flask("empty").test_request_context():
        assert title(contract) == "TAF-99"
