"""The content of one delivery: what a market participant reads of one evaluation profile, before it is spelled.

Decides what may stand together: readings inside their period and in one order, a name with signatures or a pseudonym
without, and a size that no reading's digits decide. How it is spelled is ``wire/cosem_xml.py``'s business.

A pseudonymous document (TR-03109-1) is told by its gateway, which is an alias: gateway, profile and every device are
that one alias, the time at which it was made is a whole minute, and no reading carries an inner signature, because a
signature identifies its gateway: ECDSA public keys can be recovered from signatures and tried against the certificates
that everybody knows. Under a gateway's own name every reading carries one. There is nothing in between.

A document may have no reading at all: a cover, which looks from outside as if it had one (FPR_CON.1).
"""

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Final

from wire.content_size import MAXIMUM_READINGS, SIZES, size_for, widest
from wire.errors import ContentError, WireError
from wire.obis import Obis
from wire.profiles import UseCase, is_pseudonym
from wire.profiles.fields import require_identifier
from wire.reading import DeviceId, SignedReading, UnsignedReading, require_utc_seconds

MAXIMUM_SEQUENCE: Final = 2**63 - 1

Readings = tuple[SignedReading | UnsignedReading, ...]
"""All of one kind: see :class:`Content`."""
_SIZES: Final = frozenset(SIZES)


@dataclass(frozen=True, slots=True)
class Content:
    """One delivery of one evaluation profile of one gateway, before it is sealed (Inhaltsdaten).

    ``sequence`` counts 1, 2, 3, ... for each gateway and profile without a gap. All readings lie in ``period_begin`` ..
    ``period_end`` (both included: a TAF-1 value carries the time of its period's end). The 0..1000 ``readings`` are put
    in canonical order (device, OBIS, time); no two may share all three. Under a pseudonym ``profile`` is its text.

    ``size`` is the length of its document in bytes, one of ``content_size.SIZES``; 0 stands for the smallest that holds
    the widest spelling. One that does not hold it is refused: the length would tell of the digits (FPR_CON.1).
    """

    gateway: DeviceId
    profile: str
    use_case: UseCase
    sequence: int
    created_at: datetime
    period_begin: datetime
    period_end: datetime
    readings: Readings
    size: int = 0

    def __post_init__(self) -> None:
        """Check every field, order the readings, choose a size where none is given. Raises ContentError."""
        try:
            require_identifier("profile", self.profile)
            for instant in (self.created_at, self.period_begin, self.period_end):
                require_utc_seconds(instant)
        except WireError as error:
            raise ContentError(str(error)) from error
        if not isinstance(self.use_case, UseCase):
            raise ContentError("not a use case")
        if not 1 <= self.sequence <= MAXIMUM_SEQUENCE:
            raise ContentError("a sequence number is outside 1..2^63-1")
        if self.period_begin > self.period_end:
            raise ContentError("a period ends before it begins")
        if len(self.readings) > MAXIMUM_READINGS:
            raise ContentError(f"a document holds at most {MAXIMUM_READINGS} readings, not {len(self.readings)}")
        self._require_one_form()
        if any(not self.period_begin <= one.reading.captured_at <= self.period_end for one in self.readings):
            raise ContentError("a reading lies outside the period")
        if not _in_order(self.readings):
            ordered = tuple(sorted(self.readings, key=_place))
            if not _in_order(ordered):
                raise ContentError("two readings share device, register and time")
            object.__setattr__(self, "readings", ordered)
        self._require_room()

    @property
    def pseudonymous(self) -> bool:
        """Whether an alias stands in it for the gateway and its devices."""
        return is_pseudonym(self.gateway)

    def _require_room(self) -> None:
        """The size is one of those that there are, and holds every document of the same shape."""
        readings, columns = len(self.readings), columns_of(self.readings)
        profile, pseudonymous = self.profile, self.pseudonymous
        if self.size == 0:
            size = size_for(readings, columns, profile=profile, pseudonymous=pseudonymous)
            object.__setattr__(self, "size", size)
        elif self.size not in _SIZES:
            raise ContentError("no document has this size")
        elif self.size < widest(readings, columns, profile=profile, pseudonymous=pseudonymous):
            raise ContentError("the size of a document would tell of its digits")

    def _require_one_form(self) -> None:
        """A gateway's name comes with inner signatures, a pseudonym with nothing that leads behind it."""
        if not self.pseudonymous:
            if any(type(one) is not SignedReading or is_pseudonym(one.reading.device) for one in self.readings):
                raise ContentError("a reading under the gateway's own name is pseudonymous or carries no signature")
            return
        if any(type(one) is not UnsignedReading or one.reading.device != self.gateway for one in self.readings):
            raise ContentError("a reading under a pseudonym carries a signature or the name of a device")
        if self.profile != self.gateway.text:
            raise ContentError("the profile of a pseudonymous document is the pseudonym")
        if self.created_at.second:
            raise ContentError("a pseudonymous document says the minute of its making only")


def column_of(signed: SignedReading | UnsignedReading) -> tuple[DeviceId, Obis]:
    """Device and register: readings that share both stand in one column."""
    return signed.reading.device, signed.reading.obis


def columns_of(readings: Readings) -> int:
    """How many columns ``readings``, in canonical order, fill."""
    return bool(readings) + sum(not _share_column(one, other) for one, other in pairwise(readings))


def _share_column(one: SignedReading | UnsignedReading, other: SignedReading | UnsignedReading) -> bool:
    # Most neighbours share the very objects, and looking at those is much cheaper than comparing what they hold.
    first, second = one.reading, other.reading
    return (first.obis is second.obis or first.obis == second.obis) and (
        first.device is second.device or first.device == second.device
    )


def _place(signed: SignedReading | UnsignedReading) -> tuple[str, bytes, datetime]:
    reading = signed.reading
    return reading.device.text, reading.obis.to_bytes(), reading.captured_at


def _in_order(readings: Readings) -> bool:
    """Each reading's place is after the one before it: canonical order, and no place taken twice."""
    for earlier, later in pairwise(readings):
        if _share_column(earlier, later):
            # Within a column, as most neighbours are, time alone decides.
            if later.reading.captured_at <= earlier.reading.captured_at:
                return False
        elif _place(later) <= _place(earlier):
            return False
    return True
