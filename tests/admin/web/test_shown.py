"""How values are written."""

from datetime import UTC, datetime, timedelta, timezone

import jinja2

from admin.web import shown


def test_times_are_utc_and_an_end_is_no_part_of_a_validity() -> None:
    berlin = datetime(2026, 1, 15, 1, 0, tzinfo=timezone(timedelta(hours=1)))
    assert shown.moment(berlin) == "2026-01-15 00:00:00"
    assert shown.day(berlin) == "2026-01-15"
    assert shown.last_day(datetime(2026, 1, 15, tzinfo=UTC)) == "2026-01-14"
    assert shown.moment(None) == "\u2013"


def test_values_of_a_gateway() -> None:
    assert [shown.plain(one) for one in (None, True, False, 3, "x", ["ä"], {"b": 1, "a": None})] == [
        "\u2013",
        "yes",
        "no",
        "3",
        "x",
        '["ä"]',
        '{"a": null, "b": 1}',
    ]
    assert shown.short("0123456789abcdef0123") == "0123456789abcdef…"


def test_templates_have_them() -> None:
    templates = jinja2.Environment(autoescape=True)
    shown.equip(templates)
    assert templates.from_string("{{ '<x>' | plain }}").render() == "&lt;x&gt;"
