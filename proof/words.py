"""The report in words, German and English: the same words in the command and in the page (``page/words.json``).

Decides how a finding is said, never what was found.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files

from proof.report import SHOWN, Checked, LogVerdict, Report
from wire.instant import format_instant


class Language(StrEnum):
    """What a person reads."""

    GERMAN = "de"
    ENGLISH = "en"


@lru_cache
def words(language: Language) -> dict[str, str]:
    """Every text of a language by its name."""
    text = files("proof").joinpath("page", "words.json").read_text(encoding="utf-8")
    found: dict[str, dict[str, str]] = json.loads(text)
    return found[language]


def say(language: Language, name: str, **parts: object) -> str:
    """One text with its parts filled in; a time in UTC."""
    shown = {key: _shown(language, part) if isinstance(part, datetime) else part for key, part in parts.items()}
    return words(language)[name].format(**shown)


def told(report: Report, language: Language) -> Iterator[str]:
    """Line by line; the verdict is the last."""
    yield from _file(report, language)
    if report.readings:
        yield f"\n{say(language, 'readings.title')}"
    for checked in report.measured:
        yield from _list(checked, say(language, "list.measured", **checked.name), language)
    for checked in report.derived:
        yield from _list(checked, say(language, "list.derived", **checked.name), language)
    yield f"\n{say(language, 'log.title')}"
    yield from (f"  {line}" for line in _log(report.log, language))
    unsigned = 0 if report.log is None else sum(one.unsigned for one in report.log.logs)
    yield f"\n{say(language, 'open.title')}"
    yield from (f"  - {say(language, f'open.{each}', unsigned=unsigned)}" for each in report.open)
    yield ""
    yield from verdict(report, language)


def verdict(report: Report, language: Language) -> Iterator[str]:
    """What it comes down to."""
    if report.genuine:
        yield say(language, "page.genuine")
        if report.readings:
            yield say(language, "page.genuine.more", readings=report.readings)
        return
    yield say(language, "page.not")
    if report.failed:
        yield say(language, "page.not.more", failed=report.failed, readings=report.readings)
    if report.unreadable:
        yield say(language, "page.not.ground", unreadable=report.unreadable)
    if report.log is not None and report.log.reason:
        yield from _log(report.log, language)
    if not report.readings and report.log is None:
        yield say(language, "page.not.nothing")


def _file(report: Report, language: Language) -> Iterator[str]:
    if report.kind == "proof" and report.exported_at is not None:
        yield say(
            language,
            "file.proof",
            gateway=report.gateway,
            consumer=report.consumer,
            exported_at=report.exported_at,
        )
    elif report.gateway:
        yield say(language, "file.log", gateway=report.gateway)
    else:
        yield say(language, "file.log.unknown")


def _list(checked: Checked, name: str, language: Language) -> Iterator[str]:
    count = say(language, "count.genuine", genuine=checked.genuine, count=checked.count)
    yield f"  {name}: {count}, {_shown(language, checked.first)} - {_shown(language, checked.last)}"
    for failure in checked.failures:
        reason = say(language, f"reason.{failure.reason}")
        yield f"    ! {failure.device} {failure.obis} {_shown(language, failure.at)}: {reason}"
    hidden = checked.refused.total() - len(checked.failures)
    if hidden:
        yield f"    ! {say(language, 'list.more', count=hidden)}"
    for gap in checked.gaps[:SHOWN]:
        yield f"    ? {say(language, 'gap', after=gap.after, before=gap.before, missing=gap.missing)}"
    if len(checked.gaps) > SHOWN:
        yield f"    ? {say(language, 'gaps.more', count=len(checked.gaps) - SHOWN)}"


def _log(log: LogVerdict | None, language: Language) -> Iterator[str]:
    if log is None:
        yield say(language, "log.none")
        return
    if log.reason:
        name = "log.consumer" if log.detail == "consumer" else f"log.{log.reason}"
        yield say(language, name)
        if f"reason.{log.detail}" in words(language):
            yield say(language, f"reason.{log.detail}")
        return
    for one in log.logs:
        name = say(language, f"log.name.{one.log}")
        if one.last < one.first:
            yield say(language, "log.empty", log=name)
        elif (sealed := one.last - one.unsigned) >= one.first:
            yield say(language, "log.holds", log=name, first=one.first, last=sealed, sealed_at=log.sealed_at)


def _shown(language: Language, moment: datetime) -> str:
    """In UTC, because a proof says nothing of where its meter hangs."""
    if language is Language.GERMAN:
        return f"{moment.astimezone(UTC):%d.%m.%Y %H:%M:%S} UTC"
    return format_instant(moment)
