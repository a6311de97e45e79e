"""The door of the home area network: who comes in, by which proof, and as whom (TR-03109-1 HKS1, HKS2).

Decides that nobody sees anything before he proved who he is (PP-0073 FIA_UAU.2, FIA_UID.2), and what proves it
(FIA_UAU.5): the password of an account, a Digest answer that follows from it, or a client certificate that the account
pins. What he may see follows from the account as it stands now and from nothing that he says (FIA_ATD.1, FIA_USB.1).
Names that exist and names that do not are answered alike, after about the same work; too many wrong attempts lock
either (FIA_AFL.1). A session ends with its account, with a newer version of it, with another password, or by itself
(FIA_UAU.6).
"""

import hashlib
import hmac
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Lock
from typing import Final, NoReturn

from cryptography import x509

from pki.checks import UNREADABLE
from smgw.han import digest, passwords
from smgw.han.attempts import Attempts, Way
from smgw.han.credentials import Credentials
from smgw.han.digest import Algorithm, Answer, DigestError, Nonces
from smgw.han.passwords import PasswordError
from smgw.han.port import HanError, HanReason, LoginRefusedError, RefusedReason, Visitor
from smgw.han.sessions import Moment, Sessions
from smgw.logs.readers import Interface, Reader, Role
from smgw.store.database import Database
from smgw.store.profiles import ProfileSet
from wire.profiles import MD5_BYTES, VERIFIER_BYTES, AccountProfile, AccountRole

LONGEST_NAME: Final = 128
"""Characters of a user name that is looked at; an account's has 32 at most."""
LONGEST_CERTIFICATE: Final = 16 * 1024
"""Octets."""
WRONG_PASSWORD: Final = "The present password is not that."  # noqa: S105 - a sentence
LOCKED: Final = "Too many wrong attempts; try again later."
NO_PASSWORD: Final = "This account has no password that could be changed."  # noqa: S105 - a sentence
CONSUMERS_ONLY: Final = "The administrator changes a technician's password."

_SHA_256: Final = slice(VERIFIER_BYTES)
_COMPARED: Final = {
    Way.PASSWORD: _SHA_256,
    Way.DIGEST: _SHA_256,
    Way.OLDER_DIGEST: slice(VERIFIER_BYTES, VERIFIER_BYTES + MD5_BYTES),
}
"""Which octets of what is kept each way needs; empty where an account keeps none for it."""
_NOBODY: Final = AccountProfile(
    id="nobody",
    version=1,
    name="nobody",
    role=AccountRole.TECHNICIAN,
    consumer=None,
    valid_from=datetime(1970, 1, 1, tzinfo=UTC),
    valid_until=datetime(1970, 1, 2, tzinfo=UTC),
    fingerprints=("0" * 64,),
)
"""Whose password is looked up where there is no such account, so that it takes as long."""


class HanDoor:
    """The ``Door`` of one gateway (``smgw/han/port.py``); safe to use from any thread."""

    def __init__(
        self,
        *,
        gateway: str,
        profiles: Callable[[], ProfileSet],
        credentials: Credentials,
        database: Database,
        random: Callable[[int], bytes],
        monotonic: Callable[[], float],
    ) -> None:
        """``gateway`` is the realm, ``profiles`` what holds now, ``random`` gives that many random octets."""
        self._gateway = gateway
        self._profiles = profiles
        self._credentials = credentials
        self._nobodys = random(VERIFIER_BYTES + MD5_BYTES)
        self._monotonic = monotonic
        # One attempt after the other: none may be looked at before the one before it is counted.
        self._attempting = Lock()
        self._attempts = Attempts(database)
        self._nonces = Nonces(random)
        self._sitting = Lock()
        self._sessions = Sessions(random)

    def by_password(self, name: str, password: str, at: datetime) -> Visitor:
        """Who ``name`` is, if the password is his. Raises LoginRefusedError, StoreError.

        User names have small letters only: what a telephone writes in capitals is the same name. What can be nobody's
        name or password is as wrong as any other, and no attempt.
        """
        name = name.strip().lower()
        if not 0 < len(name) <= LONGEST_NAME:
            raise LoginRefusedError(RefusedReason.WRONG)
        try:
            given = passwords.verifier_of(name, self._gateway, password)
        except (PasswordError, UnicodeEncodeError):
            raise LoginRefusedError(RefusedReason.WRONG) from None
        with self._attempting:
            moment = self._moment(at)
            account = self._require(name, Way.PASSWORD, moment, lambda kept: hmac.compare_digest(given, kept))
            self._attempts.came_in(account, Way.PASSWORD, moment, anew=True)
        return _visitor(account)

    def by_digest(self, header: str, method: str, target: str, at: datetime, *, older: bool = False) -> Visitor:
        """Who answers a challenge (RFC 7616) in the value of an ``Authorization`` header.

        1. It is an answer, for this gateway and for what is asked for (section 3.4.6); by MD5 only where ``older`` ones
        are taken, and where an account of this gateway is open to them: else there is no such procedure. 2. It is the
        right one. 3. It answers a challenge that holds, and was not given before; the client answers a fresh one by
        itself then, because it knows the password.

        Raises LoginRefusedError, StoreError.
        """
        # 1
        answer = _answer(header)
        if answer.realm != self._gateway or answer.target != target:
            raise LoginRefusedError(RefusedReason.MALFORMED)
        way = Way.DIGEST
        if answer.algorithm is not Algorithm.SHA_256:
            if not older or not any(one.md5 and _holds(one, at) for one in self._profiles().accounts.values()):
                raise LoginRefusedError(RefusedReason.MALFORMED)
            way = Way.OLDER_DIGEST
        with self._attempting:
            moment = self._moment(at)
            # 2
            account = self._require(answer.name, way, moment, lambda kept: answer.is_right(kept, method))
            # 3
            anew = not self._nonces.is_known(answer.nonce)
            if not self._nonces.take(answer.nonce, answer.count, moment.now):
                raise LoginRefusedError(RefusedReason.STALE)
            self._attempts.came_in(account, way, moment, anew=anew)
        return _visitor(account)

    def by_certificate(self, der: bytes, at: datetime) -> Visitor:
        """Whose account pins the client certificate of this TLS connection, whose key the client has.

        1. It is a certificate. 2. Exactly one account that holds pins it. 3. Its own time has begun and is not over.

        Raises LoginRefusedError, StoreError.
        """
        # 1
        begin, end = _validity(der)
        fingerprint = hashlib.sha256(der).hexdigest()
        with self._attempting:
            moment = self._moment(at)
            # 2
            account = self._only(lambda one: fingerprint in one.fingerprints, at)
            # 3
            if account is None or not begin <= at <= end:
                self._attempts.bad_certificate(account, moment)
                raise LoginRefusedError(RefusedReason.WRONG)
            self._attempts.came_in(account, Way.CERTIFICATE, moment, anew=False)
        return _visitor(account)

    def challenge(self, at: datetime, *, stale: bool = False) -> str:  # noqa: ARG002 - of the protocol
        """The value of a ``WWW-Authenticate`` header."""
        return digest.challenge(self._gateway, self._nonces.issue(self._monotonic()), stale=stale)

    def open_session(self, visitor: Visitor, at: datetime) -> str:
        """A new session's secret. Raises LoginRefusedError FULL; WRONG where his account holds no more."""
        account = self._holding(visitor.account, at)
        if account is None:
            raise LoginRefusedError(RefusedReason.WRONG)
        with self._sitting:
            return self._sessions.open(account.id, account.version, self._moment(at))

    def session(self, secret: str, at: datetime, *, used: bool = True) -> Visitor | None:
        """Whose session it is, if it is one still and its account holds; ``used`` where a person did something.

        What he may see is the account's as it stands now; a newer version of it, which may have another password or
        other certificates, is to be proved anew.
        """
        with self._sitting:
            found = self._sessions.find(secret, self._moment(at), active=used)
            if found is None:
                return None
            account = self._holding(found.account, at)
            if account is None or account.version != found.version:
                self._sessions.close(secret)
                return None
            return _visitor(account)

    def close_session(self, secret: str, at: datetime) -> None:  # noqa: ARG002 - of the protocol
        """Log out."""
        with self._sitting:
            self._sessions.close(secret)

    def change_password(self, visitor: Visitor, old: str, new: str, at: datetime) -> None:
        """Put another password in place of a consumer's; all her sessions end, so that whoever had the old one is out.

        1. She has a password, and may try. 2. She knows the present one: a session that was left open is not enough
        (FIA_UAU.6), and a wrong one counts as an attempt. 3. The new one is a good one.

        Raises HanError NOT_ALLOWED, NOT_FOUND, BAD_QUESTION, TOO_SOON (with its end, while it is locked); StoreError.
        """
        if visitor.reader.role is not Role.CONSUMER:
            raise HanError(HanReason.NOT_ALLOWED, CONSUMERS_ONLY)
        with self._attempting:
            moment = self._moment(at)
            # 1
            account = self._holding(visitor.account, at)
            kept = None if account is None else self._credentials.verifier(account)
            if account is None or kept is None:
                raise HanError(HanReason.NOT_FOUND, NO_PASSWORD)
            until = self._attempts.locked_until(account.name, account, moment)
            if until is not None:
                raise HanError(HanReason.TOO_SOON, LOCKED, until)
            # 2
            try:
                given = passwords.verifier_of(account.name, self._gateway, old)
            except PasswordError as error:
                raise HanError(HanReason.BAD_QUESTION, WRONG_PASSWORD) from error
            if not hmac.compare_digest(given, kept[_COMPARED[Way.PASSWORD]]):
                self._attempts.wrong(account.name, account, Way.PASSWORD, moment)
                raise HanError(HanReason.BAD_QUESTION, WRONG_PASSWORD)
            # 3
            try:
                verifier = passwords.new_verifier(account.name, self._gateway, new, kept)
            except PasswordError as error:
                raise HanError(HanReason.BAD_QUESTION, str(error)) from error
            self._credentials.change(account, verifier, at)
            with self._sitting:
                self._sessions.close_account(account.id)
            self._attempts.password_changed(account, moment)

    def _require(self, name: str, way: Way, moment: Moment, is_right: Callable[[bytes], bool]) -> AccountProfile:
        """The account of ``name``, if he knows its password.

        1. It is not locked; else nothing is looked at. 2. The account is there, holds, and has a password, of which it
        keeps what this way needs. 3. It is right; where there is none, as much is computed over a random one.
        """
        account = self._only(lambda one: one.name == name, moment.at)
        # 1
        until = self._attempts.locked_until(name, account, moment)
        if until is not None:
            raise LoginRefusedError(RefusedReason.LOCKED, until)
        # 2
        kept = self._credentials.verifier(_NOBODY if account is None else account)
        part = b"" if kept is None else kept[_COMPARED[way]]
        # 3
        is_known = is_right(part or self._nobodys[_COMPARED[way]])
        if account is None or not part or not is_known:
            self._refuse(name, account, way, moment)
        return account

    def _refuse(self, name: str, account: AccountProfile | None, way: Way, moment: Moment) -> NoReturn:
        self._attempts.wrong(name, account, way, moment)
        raise LoginRefusedError(RefusedReason.WRONG)

    def _only(self, is_meant: Callable[[AccountProfile], bool], at: datetime) -> AccountProfile | None:
        """The one account that is meant and holds at ``at``; two would be a guess, and are none."""
        found = [one for one in self._profiles().accounts.values() if is_meant(one) and _holds(one, at)]
        return found[0] if len(found) == 1 else None

    def _holding(self, account: str, at: datetime) -> AccountProfile | None:
        found = self._profiles().accounts.get(account)
        return found if found is not None and _holds(found, at) else None

    def _moment(self, at: datetime) -> Moment:
        return Moment(at, self._monotonic())


def _holds(account: AccountProfile, at: datetime) -> bool:
    return account.valid_from <= at < account.valid_until


def _visitor(account: AccountProfile) -> Visitor:
    """Him, with all that follows from his account (FIA_ATD.1, FIA_USB.1)."""
    if account.consumer is None:
        return Visitor(account.name, account.id, Reader(Role.TECHNICIAN, Interface.SERVICE))
    reader = Reader(Role.CONSUMER, Interface.CONSUMER, account.consumer)
    has_password = account.verifier is not None
    return Visitor(account.name, account.id, reader, older_clients=account.md5, has_password=has_password)


def _answer(header: str) -> Answer:
    try:
        return digest.parse_answer(header)
    except DigestError:
        raise LoginRefusedError(RefusedReason.MALFORMED) from None


def _validity(der: bytes) -> tuple[datetime, datetime]:
    """From when and until when a certificate holds, the last second included."""
    if len(der) > LONGEST_CERTIFICATE:
        raise LoginRefusedError(RefusedReason.MALFORMED)
    try:
        certificate = x509.load_der_x509_certificate(der)
        begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    except UNREADABLE:
        raise LoginRefusedError(RefusedReason.MALFORMED) from None
    return begin, end
