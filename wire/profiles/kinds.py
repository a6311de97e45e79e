"""The kinds of profile and the one door through which documents of any kind come in."""

from wire.canonical_json import JsonObject
from wire.errors import ProfileError
from wire.profiles import document
from wire.profiles.account import AccountProfile
from wire.profiles.administrator import AdministratorProfile
from wire.profiles.communication import CommunicationProfile
from wire.profiles.evaluation import EvaluationProfile
from wire.profiles.meter import MeterProfile
from wire.profiles.proxy import ProxyProfile

Profile = MeterProfile | EvaluationProfile | CommunicationProfile | AdministratorProfile | ProxyProfile | AccountProfile

KINDS: dict[str, type[Profile]] = {
    MeterProfile.KIND: MeterProfile,
    EvaluationProfile.KIND: EvaluationProfile,
    CommunicationProfile.KIND: CommunicationProfile,
    AdministratorProfile.KIND: AdministratorProfile,
    ProxyProfile.KIND: ProxyProfile,
    AccountProfile.KIND: AccountProfile,
}
"""Each kind by its name, as documents, orders and tables spell it."""


def parse_profile(data: bytes) -> Profile:
    """Read canonical bytes of a profile of any kind, by the key ``kind``. Raises ProfileError."""
    return profile_from_document(document.read(data))


def profile_from_document(content: JsonObject) -> Profile:
    """Read the decoded object of a profile of any kind. Raises ProfileError."""
    kind = content.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise ProfileError(f"not a kind of profile: {kind!r:.60}")
    return KINDS[kind].from_document(content)
