"""What the administrator's side says when it refuses.

Every module raises one child of :class:`AdminError`, with a reason for programs and a sentence for people that says
what to do next; ``__main__`` turns it into an exit code. Bad data from a gateway is a refusal like any other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class AdminError(Exception):
    """Base of every refusal by ``admin``; never raised itself."""


class ConfigError(AdminError):
    """The configuration is refused; the sentence has the path of the key."""


class StorageError(AdminError):
    """The database does not answer, or is of another version."""


class InventoryReason(StrEnum):
    """Why the inventory refuses."""

    UNKNOWN = "unknown"
    EXISTS = "exists"
    TRANSITION = "transition"
    CERTIFICATES = "certificates"
    STATE = "state"
    ADDRESS = "address"


class InventoryError(AdminError):
    """A gateway is not there, or may not become what is asked."""

    def __init__(self, reason: InventoryReason, sentence: str) -> None:
        """Keep ``reason`` for programs and ``sentence`` for people."""
        super().__init__(sentence)
        self.reason = reason


class OrderReason(StrEnum):
    """Why the order book refuses."""

    UNKNOWN = "unknown"
    TRANSITION = "transition"
    NOT_NEXT = "not-next"
    REPLY = "reply"
    STATE = "state"


class OrderBookError(AdminError):
    """An order is not there, or may not become what is asked."""

    def __init__(self, reason: OrderReason, sentence: str) -> None:
        """Keep ``reason`` for programs and ``sentence`` for people."""
        super().__init__(sentence)
        self.reason = reason


class DraftReason(StrEnum):
    """Why a draft is refused."""

    UNKNOWN = "unknown"
    MALFORMED = "malformed"
    VERSION = "version"
    INCONSISTENT = "inconsistent"
    NOT_INSTALLED = "not-installed"


class DraftError(AdminError):
    """A draft of a profile is not there, is none, or does not fit to what the gateway holds."""

    def __init__(self, reason: DraftReason, sentence: str) -> None:
        """Keep ``reason`` for programs and ``sentence`` for people."""
        super().__init__(sentence)
        self.reason = reason


class AccountReason(StrEnum):
    """Why an account in the home area network is refused."""

    UNKNOWN = "unknown"
    EXISTS = "exists"
    MALFORMED = "malformed"
    UNKNOWN_CONSUMER = "unknown-consumer"
    NO_PROOF = "no-proof"
    """Neither a password nor a certificate."""
    CERTIFICATE = "certificate"
    RENEWAL = "renewal"
    """The gateway is about to get other keys than those for which a password would be sealed."""
    LETTER = "letter"


class AccountError(AdminError):
    """An account is not there, or cannot be made as it is asked for."""

    def __init__(self, reason: AccountReason, sentence: str) -> None:
        """Keep ``reason`` for programs and ``sentence`` for people."""
        super().__init__(sentence)
        self.reason = reason


class AuditReason(StrEnum):
    """Why the audit log is not believed."""

    NUMBER = "number"
    CHAIN = "chain"
    SIGNER = "signer"
    SIGNATURE = "signature"
    CUT_OFF = "cut-off"
    HEAD = "head"


class AuditError(AdminError):
    """The audit log is not whole; ``entry`` is the number of the first entry that is not as it was written."""

    def __init__(self, reason: AuditReason, entry: int, sentence: str) -> None:
        """Keep ``reason`` and ``entry`` for programs and ``sentence`` for people."""
        super().__init__(sentence)
        self.reason = reason
        self.entry = entry


class PackageReason(StrEnum):
    """Why a firmware package is refused."""

    SIZE = "size"
    UNKNOWN = "unknown"
    MALFORMED = "malformed"


class PackageError(AdminError):
    """A firmware package is not there, or is none."""

    def __init__(self, reason: PackageReason, sentence: str) -> None:
        """Keep ``reason`` for programs and ``sentence`` for people."""
        super().__init__(sentence)
        self.reason = reason


class UserReason(StrEnum):
    """Why the console's list of users refuses."""

    UNKNOWN = "unknown"
    EXISTS = "exists"
    NAME = "name"
    PASSWORD = "password"  # noqa: S105 - the name of a reason
    LAST_SUPERVISOR = "last-supervisor"
    LOG_IN = "log-in"
    LOCKED = "locked"


class UserError(AdminError):
    """A user is not there, may not become what is asked, or may not log in."""

    def __init__(self, reason: UserReason, sentence: str) -> None:
        """Keep ``reason`` for programs and ``sentence`` for people."""
        super().__init__(sentence)
        self.reason = reason


class EnrolmentReason(StrEnum):
    """Why a gateway does not get new certificates."""

    STATE = "state"
    SEAL = "seal"
    NO_ANSWER = "no-answer"
    """The gateway did not come."""
    UNANSWERED = "unanswered"
    """It came and did not answer in time."""
    REFUSED = "refused"
    RENEWAL = "renewal"
    CERTIFICATE = "certificate"
    FILES = "files"
    NO_AUTHORITY = "no-authority"
    AUTHORITY = "authority"


class EnrolmentError(AdminError):
    """A step of an enrolment or a renewal cannot be done; what earlier steps did stands."""

    def __init__(self, reason: EnrolmentReason, sentence: str) -> None:
        """Keep ``reason`` for programs and ``sentence`` for people."""
        super().__init__(sentence)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class LineFault:
    """What is wrong with one line of a file."""

    line: int
    sentence: str


class FleetError(AdminError):
    """A fleet file cannot be used, or not every gateway of a fleet can be given what is asked."""

    def __init__(self, sentence: str, faults: Sequence[LineFault] = ()) -> None:
        """Keep ``faults`` for programs; people are told one sentence for each."""
        super().__init__("\n".join([sentence, *(f"  line {fault.line}: {fault.sentence}" for fault in faults)]))
        self.faults = tuple(faults)
