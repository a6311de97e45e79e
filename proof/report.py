"""What a verification found: one value that holds everything, and its one form for programs (Prüfbericht).

Decides no word for people (``words.py``) and nothing about truth (``verify.py``): reasons are names. The page in the
browser makes the same document, member by member, so that both can be compared.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from proof.chain import Verified
from wire.canonical_json import JsonObject, JsonValue
from wire.instant import format_instant
from wire.obis import Obis

FORM: Final = "smgw-verdict-1"
SHOWN: Final = 20
"""Failures and gaps that are named one by one; all are counted."""


class Fault(StrEnum):
    """Why a reading is not believed, beside the reasons for which its certificate is not."""

    SIGNATURE = "signature"
    """No certificate in the file made this signature over this reading: one of the two was altered."""
    GATEWAY = "gateway"
    """It was signed by another gateway."""


class Open(StrEnum):
    """What is not proven, even where all holds."""

    MISSING = "missing"
    """That no reading was taken out."""
    METER = "meter"
    """Whose meter it is."""
    MOMENT = "moment"
    """When the file was made, and that the clock of the gateway was right."""
    REVOKED_LATER = "revoked-later"
    """What was revoked after the lists in the file."""
    AFTER_CHECKPOINT = "after-checkpoint"
    """The newest entries of a log, which are not signed yet."""
    NO_LOG = "no-log"
    """There is no log, so that nothing binds the consumer's name."""


@dataclass(slots=True)
class Certificate:
    """One signature certificate and what it stands behind; ``fingerprint`` is the SHA-256 of its octets."""

    fingerprint: str
    begin: datetime | None = None
    """None with ``end`` where it cannot be read."""
    end: datetime | None = None
    genuine: int = 0
    """Readings that it proves."""
    refused: Counter[str] = field(default_factory=Counter)
    """Readings that it signed and does not prove, by reason."""

    def to_json(self) -> JsonObject:
        """As it stands in the document."""
        return {
            "fingerprint": self.fingerprint,
            "begin": _instant(self.begin),
            "end": _instant(self.end),
            "genuine": self.genuine,
            "refused": dict(self.refused),
        }


@dataclass(frozen=True, slots=True)
class Failure:
    """One reading that is not believed."""

    device: str
    obis: Obis
    at: datetime
    reason: str

    def to_json(self) -> JsonObject:
        """As it stands in the document."""
        obis, at = str(self.obis), format_instant(self.at)
        return {"device": self.device, "obis": obis, "at": at, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Gap:
    """A hole in a list: nothing lies between two readings, as far apart as several usually are."""

    after: datetime
    before: datetime
    missing: int
    """So many would fit."""

    def to_json(self) -> JsonObject:
        """As it stands in the document."""
        return {"after": format_instant(self.after), "before": format_instant(self.before), "missing": self.missing}


@dataclass(slots=True)
class Checked:
    """A list of readings; ``name`` is what it is called, ``raster`` the usual seconds between two, 0 where unknown."""

    name: JsonObject
    count: int
    first: datetime
    last: datetime
    raster: int = 0
    gaps: list[Gap] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)
    """The first ones."""

    @property
    def genuine(self) -> int:
        """Readings that are believed."""
        return self.count - self.refused.total()

    def fail(self, failure: Failure) -> None:
        """Count a reading that is not believed; the first ones are kept."""
        self.refused[failure.reason] += 1
        if len(self.failures) < SHOWN:
            self.failures.append(failure)

    def to_json(self) -> JsonObject:
        """As it stands in the document."""
        return {
            **self.name,
            "count": self.count,
            "genuine": self.genuine,
            "first": format_instant(self.first),
            "last": format_instant(self.last),
            "raster": self.raster,
            "gaps": len(self.gaps),
            "first_gaps": [gap.to_json() for gap in self.gaps[:SHOWN]],
            "refused": dict(self.refused),
            "failures": [failure.to_json() for failure in self.failures],
        }


@dataclass(frozen=True, slots=True)
class LogVerdict:
    """What came of the log: ``reason`` is empty where it holds, ``detail`` names what is wrong with a certificate."""

    reason: str = ""
    detail: str = ""
    sentence: str = ""
    """For people who read English, with the number of the record; no part of the document."""
    sealed_at: datetime | None = None
    logs: tuple[Verified, ...] = ()

    def to_json(self) -> JsonObject:
        """As it stands in the document."""
        logs: list[JsonValue] = [
            {
                "log": one.log.value,
                "owner": one.owner,
                "first": one.first,
                "last": one.last,
                "sealed": one.sealed,
                "unsigned": one.unsigned,
            }
            for one in self.logs
        ]
        return {"reason": self.reason, "detail": self.detail, "sealed_at": _instant(self.sealed_at), "logs": logs}


@dataclass(slots=True)
class Report:
    """All of it; ``kind`` is ``proof`` or ``log``."""

    kind: str
    gateway: str
    consumer: str = ""
    exported_at: datetime | None = None
    unreadable: int = 0
    """Certificates and revocation lists between the gateway and the root that cannot be read."""
    certificates: list[Certificate] = field(default_factory=list)
    measured: list[Checked] = field(default_factory=list)
    derived: list[Checked] = field(default_factory=list)
    log: LogVerdict | None = None
    open: list[Open] = field(default_factory=list)

    @property
    def readings(self) -> int:
        """All of them."""
        return sum(each.count for each in (*self.measured, *self.derived))

    @property
    def failed(self) -> int:
        """Readings that are not believed."""
        return sum(each.refused.total() for each in (*self.measured, *self.derived))

    @property
    def genuine(self) -> bool:
        """Whether every reading and the log hold, and there was something to check: emptiness proves nothing."""
        something = self.readings > 0 or self.log is not None
        return something and not self.failed and not self.unreadable and (self.log is None or not self.log.reason)

    def to_json(self) -> JsonObject:
        """The document."""
        return {
            "form": FORM,
            "kind": self.kind,
            "genuine": self.genuine,
            "gateway": self.gateway,
            "consumer": self.consumer,
            "exported_at": _instant(self.exported_at),
            "unreadable": self.unreadable,
            "readings": self.readings,
            "failed": self.failed,
            "certificates": [each.to_json() for each in self.certificates],
            "measured": [each.to_json() for each in self.measured],
            "derived": [each.to_json() for each in self.derived],
            "log": None if self.log is None else self.log.to_json(),
            "open": [each.value for each in self.open],
        }


def _instant(moment: datetime | None) -> str | None:
    """Also what lies before 1970, which a certificate may say and no instant of ours."""
    return None if moment is None else moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"
