"""The commands: one frozen dataclass for each thing that an administrator may have a gateway do.

Decides which commands there are and what each may say; there is none that gives out a consumption value or the consumer
log. Whether a command can be carried out now is decided in the gateway. Every refusal is an OrderError.
PP-0073: FMT_SMF.1.
"""

from dataclasses import dataclass
from typing import ClassVar, Self

from wire.canonical_json import JsonObject, JsonValue
from wire.errors import OrderError, ProfileError
from wire.firmware import VERSION
from wire.profiles import document, fields
from wire.profiles.document import Fields
from wire.profiles.kinds import KINDS, Profile, profile_from_document

MAXIMUM_PROFILES = 128
"""Profiles in one order, installed and withdrawn: twice what one list in a profile may hold."""
MAXIMUM_REVOCATION_LISTS = 8
"""The root's and those of the sub-CAs that a gateway meets; as many as it proves at once (pki.revocation_lists)."""
MAXIMUM_REVOCATION_LIST_BYTES = 256 * 1024
"""Some five thousand revoked certificates of one sub-CA."""
MAXIMUM_AUTHORITIES = 8
"""Sub-CAs in one order, and their lists: three certificates have three issuers at most."""
MAXIMUM_DAYS = 3660
"""Ten years: beyond what the law lets any party keep."""


@dataclass(frozen=True, slots=True)
class ProfileReference:
    """A profile by its kind and id."""

    kind: str
    id: str

    def __post_init__(self) -> None:
        """Check both. Raises OrderError."""
        if not isinstance(self.kind, str) or self.kind not in KINDS:
            raise OrderError(f"not a kind of profile: {self.kind!r:.60}")
        with document.refusing(OrderError):
            fields.require_identifier("id", self.id)


@dataclass(frozen=True, slots=True)
class ChangeProfiles:
    """Install or replace some profiles and withdraw others, all of it or nothing."""

    KIND: ClassVar[str] = "change-profiles"

    install: tuple[Profile, ...] = ()
    withdraw: tuple[ProfileReference, ...] = ()

    def __post_init__(self) -> None:
        """Refuse an empty change and one that names a profile twice. Raises OrderError."""
        if not isinstance(self.install, tuple) or not all(isinstance(one, Profile) for one in self.install):
            raise OrderError("install is not a tuple of profiles")
        if not isinstance(self.withdraw, tuple) or not all(isinstance(one, ProfileReference) for one in self.withdraw):
            raise OrderError("withdraw is not a tuple of references to profiles")
        named = [(one.KIND, one.id) for one in self.install] + [(one.kind, one.id) for one in self.withdraw]
        if not 1 <= len(named) <= MAXIMUM_PROFILES:
            raise OrderError(f"a change names 1 to {MAXIMUM_PROFILES} profiles, not {len(named)}")
        if len(set(named)) != len(named):
            raise OrderError("a change names a profile twice")

    def members(self) -> JsonObject:
        """The members beside ``kind``."""
        # Each profile stands as the very object that its own canonical bytes hold: its reader is the one reader.
        return {
            "install": [document.read(profile.to_bytes()) for profile in self.install],
            "withdraw": [{"kind": one.kind, "id": one.id} for one in self.withdraw],
        }

    @classmethod
    def taken(cls, taken: Fields) -> Self:
        """Take the members beside ``kind``. Raises OrderError or ProfileError."""
        return cls(
            tuple(profile_from_document(content) for content in taken.objects("install")),
            tuple(_reference(Fields(content, "withdraw.")) for content in taken.objects("withdraw")),
        )


@dataclass(frozen=True, slots=True)
class _Plain:
    """A command that says nothing beside its kind."""

    def members(self) -> JsonObject:
        """No members beside ``kind``."""
        return {}

    @classmethod
    def taken(cls, _: Fields) -> Self:
        """Nothing to take; what is there is left over and refused."""
        return cls()


@dataclass(frozen=True, slots=True)
class RenewKeys(_Plain):
    """Make new keys and send signed requests for certificates.

    The reply's result is ``{"renewal": base64 DER, "generation": number of the new keys}``.
    """

    KIND: ClassVar[str] = "renew-keys"


@dataclass(frozen=True, slots=True)
class InstallCertificates:
    """Install the certificates for the keys that were made last, switch to them and destroy the old keys.

    All DER bytes; ``authorities`` are the sub-CAs between the certificates and the known root, ``lists`` the revocation
    lists of those that the gateway does not know yet: without one it believes none of them.
    """

    KIND: ClassVar[str] = "install-certificates"

    tls: bytes
    sig: bytes
    enc: bytes
    authorities: tuple[bytes, ...] = ()
    lists: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        """Check every field. Raises OrderError."""
        with document.refusing(OrderError):
            for name, value in (("tls", self.tls), ("sig", self.sig), ("enc", self.enc)):
                fields.require_certificate(name, value)
            _require_octets("authorities", self.authorities, MAXIMUM_AUTHORITIES, lowest=0)
            for authority in self.authorities:
                fields.require_certificate("authorities", authority)
            _require_octets("lists", self.lists, MAXIMUM_AUTHORITIES, lowest=0)
            for one in self.lists:
                fields.require_der("lists", one, MAXIMUM_REVOCATION_LIST_BYTES)

    def members(self) -> JsonObject:
        """The members beside ``kind``."""
        return {
            "tls": document.octets(self.tls),
            "sig": document.octets(self.sig),
            "enc": document.octets(self.enc),
            "authorities": _texts(self.authorities),
            "lists": _texts(self.lists),
        }

    @classmethod
    def taken(cls, taken: Fields) -> Self:
        """Take the members beside ``kind``. Raises OrderError or ProfileError."""
        return cls(
            taken.octets("tls"),
            taken.octets("sig"),
            taken.octets("enc"),
            taken.many_octets("authorities"),
            taken.many_octets("lists"),
        )


@dataclass(frozen=True, slots=True)
class InstallRevocationLists:
    """Install certificate revocation lists, DER bytes; what they prove is decided in ``pki``."""

    KIND: ClassVar[str] = "install-revocation-lists"

    lists: tuple[bytes, ...]

    def __post_init__(self) -> None:
        """Check every field. Raises OrderError."""
        with document.refusing(OrderError):
            _require_octets("lists", self.lists, MAXIMUM_REVOCATION_LISTS)
            for one in self.lists:
                fields.require_der("lists", one, MAXIMUM_REVOCATION_LIST_BYTES)

    def members(self) -> JsonObject:
        """The members beside ``kind``."""
        return {"lists": _texts(self.lists)}

    @classmethod
    def taken(cls, taken: Fields) -> Self:
        """Take the members beside ``kind``. Raises OrderError or ProfileError."""
        return cls(taken.many_octets("lists"))


@dataclass(frozen=True, slots=True)
class SetRetention:
    """Keep readings and the system log for so many days; what is not yet delivered stays in any case."""

    KIND: ClassVar[str] = "set-retention"

    readings_days: int
    system_log_days: int

    def __post_init__(self) -> None:
        """Check every field. Raises OrderError."""
        with document.refusing(OrderError):
            fields.require_range("readings_days", self.readings_days, 1, MAXIMUM_DAYS)
            fields.require_range("system_log_days", self.system_log_days, 1, MAXIMUM_DAYS)

    def members(self) -> JsonObject:
        """The members beside ``kind``."""
        return {"readings_days": self.readings_days, "system_log_days": self.system_log_days}

    @classmethod
    def taken(cls, taken: Fields) -> Self:
        """Take the members beside ``kind``. Raises OrderError or ProfileError."""
        return cls(taken.integer("readings_days"), taken.integer("system_log_days"))


@dataclass(frozen=True, slots=True)
class SynchroniseClock:
    """Ask the administrator for the time now; ``accept_any_deviation`` ends a secure state that a deviation began."""

    KIND: ClassVar[str] = "synchronise-clock"

    accept_any_deviation: bool = False

    def __post_init__(self) -> None:
        """Check the field. Raises OrderError."""
        with document.refusing(OrderError):
            fields.require_member("accept_any_deviation", self.accept_any_deviation, bool)

    def members(self) -> JsonObject:
        """The members beside ``kind``."""
        return {"accept_any_deviation": self.accept_any_deviation}

    @classmethod
    def taken(cls, taken: Fields) -> Self:
        """Take the members beside ``kind``. Raises OrderError or ProfileError."""
        return cls(taken.boolean("accept_any_deviation"))


@dataclass(frozen=True, slots=True)
class RunSelfTest(_Plain):
    """Test yourself and say in the reply what was found (PP-0073 FPT_TST.1)."""

    KIND: ClassVar[str] = "run-self-test"


@dataclass(frozen=True, slots=True)
class RaiseEvent:
    """An event from outside has begun or is over: a stage of TAF-5 follows it, TAF-11 records it (TR-03109-1)."""

    KIND: ClassVar[str] = "raise-event"

    name: str
    active: bool

    def __post_init__(self) -> None:
        """Check every field. Raises OrderError."""
        with document.refusing(OrderError):
            fields.require_identifier("name", self.name)
            fields.require_member("active", self.active, bool)

    def members(self) -> JsonObject:
        """The members beside ``kind``."""
        return {"name": self.name, "active": self.active}

    @classmethod
    def taken(cls, taken: Fields) -> Self:
        """Take the members beside ``kind``. Raises OrderError or ProfileError."""
        return cls(taken.text("name"), taken.boolean("active"))


@dataclass(frozen=True, slots=True)
class RequestValues:
    """Give the party of the evaluation profile ``profile`` what is given on request only (TR-03109-1, TAF-6, TAF-9).

    The values go to that party, sealed for it; whoever asks for them sees none.
    """

    KIND: ClassVar[str] = "request-values"

    profile: str

    def __post_init__(self) -> None:
        """Check the field. Raises OrderError."""
        with document.refusing(OrderError):
            fields.require_identifier("profile", self.profile)

    def members(self) -> JsonObject:
        """The members beside ``kind``."""
        return {"profile": self.profile}

    @classmethod
    def taken(cls, taken: Fields) -> Self:
        """Take the members beside ``kind``. Raises OrderError or ProfileError."""
        return cls(taken.text("profile"))


@dataclass(frozen=True, slots=True)
class StoreFirmware:
    """Verify the package that was staged and keep it in the free slot; ``sha256`` says which package is meant."""

    KIND: ClassVar[str] = "store-firmware"

    sha256: str

    def __post_init__(self) -> None:
        """Check the field. Raises OrderError."""
        with document.refusing(OrderError):
            fields.require_fingerprint("sha256", self.sha256)

    def members(self) -> JsonObject:
        """The members beside ``kind``."""
        return {"sha256": self.sha256}

    @classmethod
    def taken(cls, taken: Fields) -> Self:
        """Take the members beside ``kind``. Raises OrderError or ProfileError."""
        return cls(taken.text("sha256"))


@dataclass(frozen=True, slots=True)
class ActivateFirmware:
    """Run the stored firmware from now on; ``version`` says which one is meant."""

    KIND: ClassVar[str] = "activate-firmware"

    version: str

    def __post_init__(self) -> None:
        """Check the field. Raises OrderError."""
        with document.refusing(OrderError):
            fields.require_match("version", self.version, VERSION)

    def members(self) -> JsonObject:
        """The members beside ``kind``."""
        return {"version": self.version}

    @classmethod
    def taken(cls, taken: Fields) -> Self:
        """Take the members beside ``kind``. Raises OrderError or ProfileError."""
        return cls(taken.text("version"))


@dataclass(frozen=True, slots=True)
class Restart(_Plain):
    """Restart the gateway's process."""

    KIND: ClassVar[str] = "restart"


@dataclass(frozen=True, slots=True)
class BreakUp(_Plain):
    """End this tunnel."""

    KIND: ClassVar[str] = "break-up"


def _reference(taken: Fields) -> ProfileReference:
    reference = ProfileReference(taken.text("kind"), taken.text("id"))
    taken.finish()
    return reference


def _texts(values: tuple[bytes, ...]) -> list[JsonValue]:
    return [document.octets(value) for value in values]


def _require_octets(field: str, values: tuple[bytes, ...], highest: int, *, lowest: int = 1) -> None:
    if not isinstance(values, tuple) or not all(isinstance(value, bytes) for value in values):
        raise ProfileError(f"{field} is not a tuple of bytes")
    if not lowest <= len(values) <= highest:
        raise ProfileError(f"{field} has {lowest} to {highest} members, not {len(values)}")
    if len(set(values)) != len(values):
        raise ProfileError(f"{field} names something twice")
