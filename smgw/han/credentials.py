"""By what passwords of the home area network are known again: opened once, kept in the encrypted store, never told.

Decides which verifier holds for an account (PP-0073 FIA_ATD.1, FIA_UAU.5): the one that came sealed with its newest
version, or the one that its person put in its place since. It is opened with the gateway's ENC key before anything of
the order is stored, and goes with the account, by the database's own triggers (FDP_RIP.2; ``smgw/store/schema.py``). A
verifier is as good as the password at this gateway, so it stands in no log, no report and no sentence.
"""

from datetime import datetime

import sqlalchemy as sa

from pki import cms
from pki.certificates import Purpose
from pki.errors import SealError, SealReason
from smgw.identity import Identity
from smgw.store.database import Database
from smgw.store.errors import StoreError, StoreReason
from smgw.store.rows import to_seconds
from smgw.store.schema import han_credentials
from wire.profiles import MD5_BYTES, VERIFIER_BYTES, AccountProfile


def open_verifier(sealed: bytes, identity: Identity, *, md5: bool = False) -> bytes:
    """What was sealed for this gateway; the order around it says from whom it comes.

    1. It is one AuthEnvelopedData for the ENC certificate in use, and its tag holds.
    2. It holds a verifier: 32 octets, and 16 more for an account that is open to older clients (``md5``).

    Raises SealError: NOT_FOR_US, MALFORMED, …; TokenError where the security module does not answer.
    """
    # 1
    certificate = identity.certificates[Purpose.ENC].certificate
    opened = cms.open_envelope(sealed, recipient=certificate, key=identity.keys[Purpose.ENC])
    # 2
    wanted = VERIFIER_BYTES + MD5_BYTES if md5 else VERIFIER_BYTES
    if len(opened) != wanted:
        raise SealError(SealReason.MALFORMED, f"the verifier of this account has {wanted} octets")
    return opened


def keep(connection: sa.Connection, account: AccountProfile, verifier: bytes) -> None:
    """Store what came with ``account``, in the transaction that stores the account itself. Raises StoreError."""
    connection.execute(
        han_credentials.insert().values(account=account.id, version=account.version, verifier=verifier, changed_at=None)
    )


class Credentials:
    """The verifiers of one gateway; safe to use from several threads."""

    def __init__(self, database: Database) -> None:
        """A view on ``database``."""
        self._database = database

    def verifier(self, account: AccountProfile) -> bytes | None:
        """The 32 octets, or 48, for this version of ``account``; None where it has no password. Raises StoreError."""
        query = sa.select(han_credentials.c.verifier).where(*_of(account))
        with self._database.read() as connection:
            return connection.scalar(query)

    def change(self, account: AccountProfile, verifier: bytes, at: datetime) -> None:
        """Put another password in place of the one that holds, until a newer version of ``account`` comes.

        The caller has seen the old one (FIA_UAU.6). Raises StoreError: NOT_OPEN where ``account`` has none, or is not
        the version that holds any more.
        """
        values = {"verifier": verifier, "changed_at": to_seconds(at)}
        with self._database.write() as connection:
            if connection.execute(han_credentials.update().where(*_of(account)).values(values)).rowcount != 1:
                raise StoreError(StoreReason.NOT_OPEN, f"the account {account.id} has no password that could change")

    def put(self, account: AccountProfile, verifier: bytes) -> None:
        """:func:`keep` in a transaction of its own, for an account that is stored already. Raises StoreError."""
        with self._database.write() as connection:
            keep(connection, account, verifier)


def _of(account: AccountProfile) -> tuple[sa.ColumnElement[bool], ...]:
    return (han_credentials.c.account == account.id, han_credentials.c.version == account.version)
