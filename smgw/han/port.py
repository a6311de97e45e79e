"""What whoever serves the home area network is handed: one door, and behind it one view for each visitor.

Decides that there is no other way to a consumer's data: a view is made for a visitor who proved who he is, and answers
for nobody else, whatever he asks for. An identifier that is not hers is answered exactly as one that does not exist
(PP-0073 FDP_ACF.1): nothing tells whether there are other consumers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from smgw.han.consumer_log import ShownEntry
from smgw.han.shown import (
    Billed,
    Contract,
    GatewayStatus,
    Now,
    Prices,
    Resolution,
    Series,
    ShownMeter,
    ShownReading,
    TestResult,
    Transmission,
)
from smgw.logs.readers import Reader
from smgw.logs.texts import Language


class HanReason(StrEnum):
    """Why a question of somebody who is known is not answered."""

    NOT_FOUND = "not-found"
    """It does not exist, or is not hers; nobody is told which."""
    TOO_MUCH = "too-much"
    """More than one answer may hold: ask for less."""
    BAD_QUESTION = "bad-question"
    TOO_SOON = "too-soon"
    """A self-test, within ten minutes of the last one that she asked for; or a file, while another of hers is made."""
    NOT_NOW = "not-now"
    """The gateway is in a state in which it serves nobody."""
    NOT_ALLOWED = "not-allowed"
    """Not for this role."""


class HanError(Exception):
    """A question is not answered; the message is a sentence that may be shown."""

    def __init__(self, reason: HanReason, sentence: str, until: datetime | None = None) -> None:
        """``until`` is when to ask again, where that is known."""
        super().__init__(sentence)
        self.reason = reason
        self.until = until


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who proved who he is (PP-0073 FIA_ATD.1, FIA_USB.1)."""

    name: str
    """The user name of the account."""
    account: str
    """Id of the account's profile; what it says now is asked at each request."""
    reader: Reader
    """Role, interface and, for a consumer, her identifier."""
    older_clients: bool = False
    """Whether the administrator opened the account to programs that answer by MD5: she is told (FIA_UAU.5)."""
    has_password: bool = True
    """False where certificates alone let in: there is none to change."""


class ExportForm(StrEnum):
    """In which form her data leave the page."""

    CSV = "csv"
    JSON = "json"
    XML = "xml"
    """VDE AR 2418-6, as TRuDI loads it: one file a contract."""
    TARIFF = "tariff"
    """The other file that TRuDI asks for: a contract's tariff for one billing period, as the gateway bills by it."""
    PROOF = "proof"
    """Readings with their inner signatures, her log and the certificates: verified with the root certificate alone."""


@dataclass(frozen=True, slots=True)
class Exported:
    """A file for her."""

    name: str
    media_type: str
    data: bytes


class ConsumerView(Protocol):
    """All that one consumer may see; every method raises HanError, and StoreError where the store fails."""

    @property
    def consumer(self) -> str:
        """Her identifier."""

    def meters(self, at: datetime) -> Sequence[ShownMeter]:
        """Her meters, those of former contracts included while their data are kept."""

    def now(self, at: datetime) -> Now:
        """Power, and today, this month, this year against the same time before."""

    def series(self, meter: str, register: str, resolution: Resolution, begin: datetime, end: datetime) -> Series:
        """The history of ``begin`` .. ``end``, widened to whole parts; ``meter`` may be empty: the sum of all.

        At most 40,000 parts; a part outside her time is none. Raises HanError NOT_FOUND, TOO_MUCH.
        """

    def readings(
        self, meter: str, register: str, begin: datetime, end: datetime, *, limit: int
    ) -> Sequence[ShownReading]:
        """Original readings with ``begin <= captured_at < end``, newest first, with their signatures checked."""

    def contracts(self, at: datetime) -> Sequence[Contract]:
        """Every evaluation profile that concerns her."""

    def billed(self, contract: str, at: datetime, *, limit: int) -> Sequence[Billed]:
        """The running billing period and those before, newest first; for what is not TAF-1 or TAF-2, none."""

    def prices(self) -> Sequence[Prices]:
        """What she entered."""

    def set_prices(self, prices: Prices) -> None:
        """Enter prices, or replace those of the same contract and begin. Raises HanError BAD_QUESTION, NOT_FOUND."""

    def remove_prices(self, contract: str, since: int) -> None:
        """Take prices back."""

    def transmissions(self, *, before: tuple[int, str, int] | None, limit: int) -> Sequence[Transmission]:
        """Deliveries that concern her, newest first.

        ``before`` is (created_at, contract, sequence) of the last one that was shown.
        """

    def log(self, language: Language, at: datetime, *, after: int, limit: int) -> Sequence[ShownEntry]:
        """Her log, oldest first, above record number ``after``; reading it is an entry itself."""

    def last_record(self) -> int:
        """The number of the newest entry of her log, 0 where it has none; people read the newest page first."""

    def log_is_whole(self, at: datetime) -> str:
        """What is wrong with the chain of her log, in a sentence; nothing where it was whole ten minutes ago."""

    def status(self, at: datetime) -> GatewayStatus:
        """How the gateway is."""

    def self_test(self, at: datetime) -> Sequence[TestResult]:
        """Have the gateway test itself now. Raises HanError TOO_SOON."""

    def export(
        self, form: ExportForm, at: datetime, begin: datetime, end: datetime, contract: str | None = None
    ) -> Exported:
        """Her data of ``begin`` .. ``end`` as a file; ``contract`` where the form needs one."""

    def change_password(self, old: str, new: str, at: datetime) -> None:
        """Have another password from now on.

        Raises HanError BAD_QUESTION where the new one is too weak or the old one wrong.
        """


class TechnicianView(Protocol):
    """All that a service technician may see: the system log, and how the gateway is (FAU_SAR.1/SYS)."""

    def log(self, language: Language, *, after: int, limit: int) -> Sequence[ShownEntry]:
        """The system log, oldest first, above record number ``after``."""

    def last_record(self) -> int:
        """The number of its newest entry."""

    def status(self, at: datetime) -> GatewayStatus:
        """How the gateway is."""


class RefusedReason(StrEnum):
    """Why nobody is let in."""

    WRONG = "wrong"
    """Name, password or certificate; which of them is told to nobody."""
    LOCKED = "locked"
    """Too many wrong attempts under this name, whether or not it exists (FIA_AFL.1)."""
    STALE = "stale"
    """The challenge is too old: the client answers a fresh one by itself."""
    MALFORMED = "malformed"
    FULL = "full"
    """Too many sessions at once."""


class LoginRefusedError(Exception):
    """Nobody was let in."""

    def __init__(self, reason: RefusedReason, until: datetime | None = None) -> None:
        """``until`` is the end of a lock-out."""
        super().__init__(reason.value)
        self.reason = reason
        self.until = until


class Door(Protocol):
    """Who may come in, and how long (PP-0073 FIA_UAU.2, FIA_UAU.5, FIA_UAU.6). Safe to use from any thread."""

    def by_password(self, name: str, password: str, at: datetime) -> Visitor:
        """Who ``name`` is, if the password is his. Raises LoginRefusedError."""

    def by_digest(self, header: str, method: str, target: str, at: datetime, *, older: bool = False) -> Visitor:
        """Who answers a challenge (RFC 7616) in the value of an ``Authorization`` header. Raises LoginRefusedError.

        ``older`` where an answer by MD5 is looked at, for accounts that are open to it; elsewhere it is MALFORMED.
        """

    def by_certificate(self, der: bytes, at: datetime) -> Visitor:
        """Whose account pins the client certificate of this TLS connection. Raises LoginRefusedError."""

    def challenge(self, at: datetime, *, stale: bool = False) -> str:
        """The value of a ``WWW-Authenticate`` header."""

    def open_session(self, visitor: Visitor, at: datetime) -> str:
        """A new session's secret: 48 hours at most, 10 idle minutes. Raises LoginRefusedError FULL."""

    def session(self, secret: str, at: datetime, *, used: bool = True) -> Visitor | None:
        """Whose session it is, if it is one still and its account holds.

        The idle minutes begin anew, except where it is not ``used`` by a person: a page that asks by itself for fresh
        figures would keep a session alive for which nobody is there.
        """

    def close_session(self, secret: str, at: datetime) -> None:
        """Log out."""


def sign_nothing(_: bytes) -> bytes:
    """What a gateway without a signature key has. Raises HanError NOT_NOW."""
    raise HanError(HanReason.NOT_NOW, "the gateway has no key to sign documents with")


def nothing_wrong(_: datetime) -> tuple[tuple[str, int], ...]:
    """What a gateway tells of itself that knows nothing against it."""
    return ()


@dataclass(frozen=True, slots=True)
class HanPort:
    """Everything that is behind the door, for one gateway."""

    gateway: str
    door: Door
    clock: Callable[[], datetime]
    """Aware UTC."""
    consumer: Callable[[Visitor], ConsumerView]
    """Raises HanError NOT_ALLOWED for anybody else."""
    technician: Callable[[Visitor], TechnicianView]
    """Raises HanError NOT_ALLOWED for anybody else."""
    serving: Callable[[datetime], bool]
    """Whether the gateway's state lets it serve consumers (``Duty.SERVE_CONSUMER``)."""
    sign: Callable[[bytes], bytes] = sign_nothing
    """A document of this gateway's own making as CMS SignedData by its signature key. Raises HanError NOT_NOW."""
    wrong: Callable[[datetime], tuple[tuple[str, int], ...]] = nothing_wrong
    """What is wrong with the gateway, each with its begin (UTC seconds): told in a state in which nobody is served."""
