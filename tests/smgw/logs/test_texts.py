import ast
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smgw.logs.texts import OPTIONAL, PLACEHOLDER, TEXTS, UNTOLD, Language, Text, fill, render
from smgw.store.event_table import KINDS
from smgw.store.events import Event, Outcome
from smgw.store.log_chain import CAPACITY, fold
from smgw.store.logs import SystemLog
from tests.smgw.store.samples import START, open_database

SOURCES = Path(__file__).parents[3] / "smgw"
RESERVED = {"at", "times", "user", "consumers", "capacities", "parameters"}


def templates(text: Text) -> Iterator[str]:
    yield from filter(None, (text.german, text.english, text.german_failure, text.english_failure))


def demanded(template: str) -> set[str]:
    """The parameters that must be told wherever the event is recorded."""
    return set(PLACEHOLDER.findall(OPTIONAL.sub("", template))) - {"subject", "user"}


@pytest.mark.parametrize("event", list(Event))
def test_every_event_has_a_text_in_both_languages(event: Event) -> None:
    """TR-03109-1, log texts: templates in German and in English, with the same parameters."""
    text = TEXTS[event]
    assert bool(text.german) == bool(text.english)
    assert bool(text.german_failure) == bool(text.english_failure)
    assert text.german or text.german_failure
    for german, english in ((text.german, text.english), (text.german_failure, text.english_failure)):
        assert set(PLACEHOLDER.findall(german)) == set(PLACEHOLDER.findall(english))
        assert demanded(german) == demanded(english)


@pytest.mark.parametrize("event", list(Event))
def test_a_text_speaks_of_parameters_that_the_event_has(event: Event) -> None:
    for template in templates(TEXTS[event]):
        assert set(PLACEHOLDER.findall(template)) <= KINDS[event].parameters | {"subject", "user"}


def recordings() -> Iterator[tuple[str, Event, Outcome | None, set[str]]]:
    """Where a source names an event with its parameters: place, event, outcome if it is named too, parameters."""
    for path in SOURCES.rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name | ast.Attribute):
                continue
            called = call.func.id if isinstance(call.func, ast.Name) else call.func.attr
            if called not in {"record", "_tell"} or any(word.arg is None for word in call.keywords):
                continue
            names = {word.attr for word in call.args if isinstance(word, ast.Attribute)}
            events = names & set(Event.__members__)
            outcomes = names & set(Outcome.__members__)
            if len(events) == 1:
                given = {word.arg for word in call.keywords if word.arg is not None} - RESERVED
                outcome = Outcome[outcomes.pop()] if outcomes else None
                yield f"{path.name}:{call.lineno}", Event[events.pop()], outcome, given


def test_wherever_an_event_is_recorded_its_text_gets_what_it_demands() -> None:
    """No text has a hole, and nothing is recorded that the table of events does not know (OSP.Log)."""
    found = list(recordings())
    assert len(found) > 20
    for place, event, outcome, given_names in found:
        assert given_names <= KINDS[event].parameters, place
        outcomes = [outcome] if outcome is not None else [Outcome.SUCCESS, Outcome.FAILURE]
        for each in outcomes:
            for language in Language:
                if outcome is not None or TEXTS[event].german:
                    assert demanded(TEXTS[event].template(language, each)) <= given_names, place


def test_what_is_recorded_is_told_in_both_languages(tmp_path: Path) -> None:
    """TR-03109-1, log texts."""
    database = open_database(tmp_path)
    log = SystemLog(database)
    for second in range(3):
        at = START + timedelta(seconds=second)
        log.record(Event.METER_STATE, "1ISK0087654321", Outcome.FAILURE, at=at, reason="silent")
    log.record(Event.WAKE_UP_REFUSED, "gateway", Outcome.FAILURE, at=START, reason="size")
    with database.write() as connection:
        fold(connection, START, CAPACITY)
    told = [(render(entry, Language.GERMAN), render(entry, Language.ENGLISH)) for entry in log.entries()]
    assert told == [
        ("Zähler 1ISK0087654321 wurde nicht abgelesen: keine Antwort", "Meter 1ISK0087654321 was not read: silent"),
        ("Weckruf abgelehnt: size", "Wake-up refused: size"),
        (
            "Wiederholt (2): Zähler 1ISK0087654321 wurde nicht abgelesen: keine Antwort",
            "Repeated (2): Meter 1ISK0087654321 was not read: silent",
        ),
    ]
    database.close()


def test_what_was_not_told_leaves_no_hole() -> None:
    assert fill("{a}[ ({b})] {c}", {"a": 1, "c": "x"}) == "1 x"
    assert fill("{a}[ ({b})]", {"a": 1, "b": 2}) == "1 (2)"
    assert fill("{a}", {}) == UNTOLD


@given(value=st.text(max_size=20))
def test_no_parameter_is_read_as_a_template(value: str) -> None:
    assert fill("<{a}>[ {b}]", {"a": value, "b": value}) == (f"<{value}> {value}" if value else "<>")
