"""What a decision over one reading may say: who gets what, and why somebody does not.

Decides the vocabulary of ``decision.py`` and of the evaluators in ``use_cases``: a value leaves the gateway only as
part of a :class:`Grant`, and whoever gets none is a :class:`Refusal` with a reason.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from wire.reading import Reading, SignedReading


class RefusalReason(StrEnum):
    """Why a party does not get a value; in the order of the steps, so the later one is the more specific one."""

    NO_PROFILE = "no-profile"
    UNKNOWN_PARTY = "unknown-party"
    AMBIGUOUS = "ambiguous"
    WRONG_METER = "wrong-meter"
    WRONG_REGISTER = "wrong-register"
    WRONG_PURPOSE = "wrong-purpose"
    RECIPIENT_MISMATCH = "recipient-mismatch"
    PARTY_NOT_YET_VALID = "party-not-yet-valid"
    PARTY_EXPIRED = "party-expired"
    NOT_YET_VALID = "not-yet-valid"
    EXPIRED = "expired"
    ON_REQUEST_ONLY = "on-request-only"
    """Nothing is owed by itself under this use case, or the request was served already (TAF-6, TAF-9)."""
    NOT_RECORDED = "not-recorded"
    """The reading is never stored, and this use case grants stored readings only."""
    OFF_RASTER = "off-raster"
    NO_EVENT = "no-event"
    ALREADY_SERVED = "already-served"
    PERIOD_OPEN = "period-open"
    NO_RULE = "no-rule"
    """The profile's rule is none that its use case, or this gateway, can follow."""
    BOUNDARY_MISSING = "boundary-missing"
    NOT_SUMMABLE = "not-summable"


@dataclass(frozen=True, slots=True)
class Grant:
    """What one party shall get under one evaluation profile for one point, period or event (Freigabe).

    ``key`` is unique within the profile: a value for the same raster point or period has the same key, whatever the
    clock did in between. ``readings`` are measured values as they were signed. ``derived`` are values that the gateway
    computed (its device is the gateway) and has not signed yet: one sum of TAF-1, or the registers of a tariff. The
    period of a measured value runs from its raster point to its capture, so that no delivery speaks of a time that has
    not come.
    """

    profile: str
    profile_version: int
    party: str
    key: str
    period_begin: datetime
    period_end: datetime
    readings: tuple[SignedReading, ...] = ()
    derived: tuple[Reading, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """A party that does not get this value; ``profile`` is the evaluation profile that came closest, if any."""

    party: str
    profile: str | None
    reason: RefusalReason


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of one reading: the grants, and one refusal for every known party that has no grant.

    ``grants`` are stored before they are delivered; ``volatile`` ones (TAF 9, 10, 14) are kept in memory only.
    """

    grants: tuple[Grant, ...]
    refusals: tuple[Refusal, ...] = ()
    volatile: tuple[Grant, ...] = ()
