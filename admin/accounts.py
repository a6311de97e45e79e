"""Accounts of people in the home area network: made here, sealed for one gateway, and forgotten but for the seal.

Decides what a password is (80 random bits that a person can type from paper), that its verifier leaves this process
only sealed for the ENC certificate that the gateway uses now, and that an account is of a consumer whom a meter of that
gateway measures, or a technician's (PP-0073 FIA_ATD.1, FMT_SMR.1, FIA_UAU.5). Whom an account is for stands in the
account and not in its id, because ids stay in logs that nobody deletes (OSP.Log).

Digest is SHA-256. An account is open to older clients, which answer by MD5, only where that is asked for, and for one
version: whoever makes the next one says it again, or it ends.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from admin.errors import AccountError, AccountReason, InventoryError, InventoryReason
from admin.installed import Holding
from admin.office import Office
from pki import cms
from pki.certificates import Purpose, Role, fingerprint, load_certificate
from pki.errors import CertificateError
from wire.errors import ProfileError
from wire.orders import InstallCertificates, RenewKeys
from wire.profiles import AccountProfile, AccountRole, MeterProfile, verifier_of
from wire.reading import DeviceId

ALPHABET: Final = "23456789abcdefghijkmnpqrstuvwxyz"
"""32 signs: five bits each. Neither 0 nor o, neither 1 nor l."""
PASSWORD_BYTES: Final = 10
"""80 bits: whoever steals a verifier, one SHA-256, guesses for longer than the gateway lives."""
_BITS: Final = 5
_GROUP: Final = 4
CONSUMER: Final = timedelta(days=3653)
"""How long a consumer's account holds: it goes with her contract anyway, and each new version of it would take away
the password that she gave herself."""
TECHNICIAN: Final = timedelta(days=365)
"""How long a technician's account holds, unless it is said otherwise: people change their employers."""

Random = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Wanted:
    """The account that is asked for; ``consumer`` is None for a technician. ``until`` None: as long as is usual.

    ``older`` opens it to programs that answer by MD5.
    """

    name: str
    consumer: str | None
    fingerprints: tuple[str, ...] = ()
    password: str | None = None
    until: datetime | None = None
    older: bool = False


@dataclass(frozen=True, slots=True)
class Issued:
    """An account that was queued, and the number of its order."""

    account: AccountProfile
    order: int


@dataclass(frozen=True, slots=True)
class Listed:
    """One account; ``confirmed`` is whether the gateway said that it holds just as it stands here."""

    gateway: DeviceId
    account: AccountProfile
    confirmed: bool


def new_password(random: Random) -> str:
    """A password such as ``k7mp-2xhd-v9rt-e4nc``, drawn from ``random``."""
    number = int.from_bytes(random(PASSWORD_BYTES), "big")
    signs = "".join(ALPHABET[number >> shift & 31] for shift in range(0, 8 * PASSWORD_BYTES, _BITS))
    return "-".join(signs[place : place + _GROUP] for place in range(0, len(signs), _GROUP))


class Accounts:
    """The accounts at the gateways of one administrator (Benutzerkonten)."""

    def __init__(self, office: Office, random: Random) -> None:
        """``random`` gives so many fresh octets for the seals."""
        self._office = office
        self._random = random

    def new(self, gateway: DeviceId, wanted: Wanted, by: str, at: datetime) -> Issued:
        """Queue a new account.

        1. There is a way to prove who comes in.
        2. Its verifier is sealed for the gateway's certificate, which is believed now.
        3. No account has this name there, and a consumer is measured there.

        Raises AccountError, InventoryError, DraftError, CertificateError.
        """
        # 1
        if wanted.password is None and not wanted.fingerprints:
            raise AccountError(
                AccountReason.NO_PROOF, "without a password the account needs a client certificate: --certificate FILE"
            )
        # 2
        verifier = self._sealed(gateway, wanted, at)
        second = at.replace(microsecond=0)

        def make(expected: Holding) -> AccountProfile:
            # 3
            for one in accounts(expected):
                if one.name == wanted.name and one.valid_until > at:
                    sentence = (
                        f"{gateway} has an account {wanted.name} already; give it another password with: "
                        f"smgw-admin accounts reset {gateway} {wanted.name}"
                    )
                    raise AccountError(AccountReason.EXISTS, sentence)
            end = _usual_end(expected, gateway, wanted.consumer, second)
            return _account(
                id=_unused(expected),
                version=1,
                name=wanted.name,
                role=AccountRole.TECHNICIAN if wanted.consumer is None else AccountRole.CONSUMER,
                consumer=wanted.consumer,
                fingerprints=wanted.fingerprints,
                verifier=verifier,
                md5=wanted.older,
                valid_from=second,
                valid_until=wanted.until or end,
            )

        return self._issue(gateway, make, by, at)

    def reset(self, gateway: DeviceId, wanted: Wanted, by: str, at: datetime) -> Issued:
        """Queue the next version of the account ``wanted.name``, of the same person.

        It has the password that is wanted, or none; other certificates and another end where they are wanted. Whatever
        password its person gave herself holds no more, and it is open to older clients only where that is wanted anew.
        Raises as :func:`new`; AccountError UNKNOWN.
        """
        verifier = self._sealed(gateway, wanted, at)
        second = at.replace(microsecond=0)

        def make(expected: Holding) -> AccountProfile:
            held = find(expected, gateway, wanted.name)
            over = held.valid_until <= at
            end = _usual_end(expected, gateway, held.consumer, second) if over else held.valid_until
            return _account(
                id=held.id,
                version=expected.versions[held.KIND, held.id] + 1,
                name=held.name,
                role=held.role,
                consumer=held.consumer,
                fingerprints=wanted.fingerprints or held.fingerprints,
                verifier=verifier,
                md5=wanted.older,
                valid_from=held.valid_from,
                valid_until=wanted.until or end,
            )

        return self._issue(gateway, make, by, at)

    def withdraw(self, gateway: DeviceId, name: str, by: str, at: datetime) -> int:
        """Queue the withdrawal of the account ``name``; gives the order's number. Raises AccountError UNKNOWN."""
        held = find(self._office.orders.expected(gateway), gateway, name)
        return self._office.drafts.withdraw([(held.KIND, held.id)], gateway, by, at)

    def listed(self, gateway: DeviceId) -> Iterator[Listed]:
        """The accounts that ``gateway`` has, or will have by the orders that are open, by their names."""
        holding = self._office.orders.holding(gateway).profiles
        for account in accounts(self._office.orders.expected(gateway)):
            yield Listed(gateway, account, holding.get((account.KIND, account.id)) == account)

    def _issue(self, gateway: DeviceId, make: Callable[[Holding], AccountProfile], by: str, at: datetime) -> Issued:
        made: list[AccountProfile] = []

        def note(expected: Holding) -> AccountProfile:
            made.append(make(expected))
            return made[0]

        number = self._office.drafts.issue_made(note, gateway, by, at)
        return Issued(made[0], number)

    def _sealed(self, gateway: DeviceId, wanted: Wanted, at: datetime) -> bytes | None:
        """The verifier for the gateway's eyes alone.

        1. No order that waits gives it other keys before this one comes.
        2. Its ENC certificate is believed now, as the inventory has it.
        3. Sealed.

        Raises AccountError RENEWAL, InventoryError, CertificateError.
        """
        if wanted.password is None:
            return None
        # 1
        waiting = {RenewKeys.KIND, InstallCertificates.KIND}
        if any(order.kind in waiting for order in self._office.orders.open(gateway)):
            sentence = f"{gateway} is about to get other keys; carry that out first: smgw-admin orders run {gateway}"
            raise AccountError(AccountReason.RENEWAL, sentence)
        # 2
        record = self._office.inventory.get(gateway)
        if Purpose.ENC not in record.certificates:
            raise InventoryError(
                InventoryReason.CERTIFICATES,
                f"no ENC certificate of {gateway} is in the inventory: nothing can be sealed for it; enrol it first",
            )
        recipient = load_certificate(record.certificates[Purpose.ENC])
        pinned = {fingerprint(recipient)}
        self._office.trust().verify(
            recipient, role=Role.SMGW, purpose=Purpose.ENC, at=at, pinned=pinned, seal=record.seal
        )
        # 3
        verifier = verifier_of(wanted.name, gateway.text, wanted.password, md5=wanted.older)
        return cms.envelop(verifier, recipient=recipient, random=self._random)


def accounts(holding: Holding) -> list[AccountProfile]:
    """The accounts among the profiles, by name; whoever holds longest comes first of those of one name."""
    found = [one for one in holding.profiles.values() if isinstance(one, AccountProfile)]
    return sorted(found, key=lambda one: (one.name, -one.valid_until.timestamp()))


def find(holding: Holding, gateway: DeviceId, name: str) -> AccountProfile:
    """The account of the user name ``name``. Raises AccountError UNKNOWN."""
    for one in accounts(holding):
        if one.name == name:
            return one
    raise AccountError(
        AccountReason.UNKNOWN,
        f"{gateway} has no account {name[:64]!r} by our orders: smgw-admin accounts list {gateway}",
    )


def client_fingerprint(data: bytes, where: str, at: datetime) -> str:
    """What an account pins of a client certificate in PEM or DER. Raises AccountError CERTIFICATE."""
    try:
        certificate = load_certificate(data)
    except CertificateError as error:
        raise AccountError(AccountReason.CERTIFICATE, f"{where} is no certificate: {error}") from error
    if certificate.not_valid_after_utc <= at:
        raise AccountError(
            AccountReason.CERTIFICATE, f"{where} ended on {certificate.not_valid_after_utc:%Y-%m-%d}: take the next one"
        )
    return fingerprint(certificate)


def _account(**fields: Any) -> AccountProfile:
    try:
        return AccountProfile(**fields)
    except ProfileError as error:
        raise AccountError(AccountReason.MALFORMED, f"this makes no account: {error}") from error


def _unused(expected: Holding) -> str:
    """An id that no account of this gateway ever had: one that was erased with its contract is not free again."""
    number = 1
    while (AccountProfile.KIND, f"account-{number}") in expected.versions:
        number += 1
    return f"account-{number}"


def _usual_end(expected: Holding, gateway: DeviceId, consumer: str | None, at: datetime) -> datetime:
    """When an account ends of which nobody said it. Raises AccountError UNKNOWN_CONSUMER."""
    if consumer is None:
        return at + TECHNICIAN
    known = {one.consumer for one in expected.profiles.values() if isinstance(one, MeterProfile)}
    if consumer not in known:
        sentence = f"no meter at {gateway} measures {consumer[:64]!r}; its consumers are: "
        raise AccountError(AccountReason.UNKNOWN_CONSUMER, sentence + (", ".join(sorted(known)) or "none"))
    return at + CONSUMER
