"""What a person can choose from: the meters and parties that a gateway has, will have, or that wait as drafts.

Decides nothing about access. What the gateway holds comes before a draft of the same thing; a draft that is chosen is
issued together with what needs it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from admin.office import Office
from wire.profiles import AccessPurpose, CommunicationProfile, MeterProfile, Profile
from wire.reading import DeviceId


@dataclass(frozen=True, slots=True)
class PartyChoice:
    """A party that may be given access; ``draft`` is the draft to issue with it, empty where the gateway knows it."""

    id: str
    name: str
    purposes: tuple[AccessPurpose, ...]
    recipient: str
    valid_until: datetime
    draft: str


@dataclass(frozen=True, slots=True)
class MeterChoice:
    """A meter whose values may be given."""

    id: str
    meter: str
    registers: tuple[str, ...]
    interval_seconds: int
    store_seconds: int
    valid_until: datetime
    draft: str


@dataclass(frozen=True, slots=True)
class Choices:
    """Parties by id, meters by identification."""

    parties: dict[str, PartyChoice]
    meters: dict[str, MeterChoice]

    @property
    def only(self) -> list[PartyChoice | MeterChoice]:
        """What will be chosen, because there is nothing else of its kind."""
        kinds = (list(self.parties.values()), list(self.meters.values()))
        return [kind[0] for kind in kinds if len(kind) == 1]

    @property
    def registers(self) -> list[str]:
        """Every register that one of the meters captures."""
        return list(dict.fromkeys(register for meter in self.meters.values() for register in meter.registers))


def choices(office: Office, gateway: DeviceId) -> Choices:
    """What can be chosen for ``gateway``."""
    parties: dict[str, PartyChoice] = {}
    meters: dict[str, MeterChoice] = {}
    for profile, draft in _everything(office, gateway):
        match profile:
            case CommunicationProfile():
                parties.setdefault(
                    profile.id,
                    PartyChoice(
                        profile.id,
                        profile.party,
                        profile.purposes,
                        profile.encryption_fingerprint,
                        profile.valid_until,
                        draft,
                    ),
                )
            case MeterProfile():
                meters.setdefault(
                    profile.meter.text,
                    MeterChoice(
                        profile.id,
                        profile.meter.text,
                        tuple(str(register) for register in profile.registers),
                        profile.interval_seconds,
                        profile.store_seconds,
                        profile.valid_until,
                        draft,
                    ),
                )
            case _:
                pass
    return Choices(parties, meters)


def lines(profiles: Iterable[Profile]) -> list[str]:
    """The lines on which meters hang already."""
    return list(dict.fromkeys(profile.line for profile in profiles if isinstance(profile, MeterProfile)))


def _everything(office: Office, gateway: DeviceId) -> Iterator[tuple[Profile, str]]:
    for profile in office.orders.expected(gateway).profiles.values():
        yield profile, ""
    for draft in office.drafts.all():
        yield office.drafts.profile(draft.name), draft.name
