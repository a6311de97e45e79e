"""Firmware packages that may be sent to gateways, as the manufacturer signed them.

Decides only what is kept and under which name: the SHA-256 of its bytes, which is also what an order names; and which
version a package says it is, so that a person sees it and a gateway can be told to activate it. Whether a package is
good is the gateway's decision, over the manufacturer's signature (TR-03109-1; the administrator transports).
"""

import hashlib
import zipfile
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO

import sqlalchemy as sa

from admin.audit import Action, Audit
from admin.database import from_seconds, reading, to_seconds, writing
from admin.errors import PackageError, PackageReason
from admin.schema import packages as table
from pki.cms.signed import SignedData
from pki.errors import SealError
from wire.errors import FirmwareError
from wire.firmware import MANIFEST, MAXIMUM_MANIFEST_BYTES, Manifest
from wire.management import MAX_PACKAGE_BYTES


@dataclass(frozen=True, slots=True)
class PackageRecord:
    """One package without its bytes."""

    sha256: str
    version: str
    size: int
    by: str
    added_at: datetime


class Packages:
    """The packages in the database; thread-safe."""

    def __init__(self, engine: sa.Engine, audit: Audit) -> None:
        """Keep in ``engine``, tell ``audit``."""
        self._engine = engine
        self._audit = audit

    def keep(self, content: bytes, by: str, at: datetime) -> PackageRecord:
        """Keep a package; one that is there already stays as it is. Raises PackageError, StorageError."""
        version = version_of(content)
        sha256 = hashlib.sha256(content).hexdigest()
        row = {"sha256": sha256, "version": version, "content": content, "by": by, "added_at": to_seconds(at)}
        with writing(self._engine) as connection:
            if connection.scalar(sa.select(table.c.sha256).where(table.c.sha256 == sha256)) is None:
                connection.execute(table.insert(), row)
                self._audit.enter(connection, Action.FIRMWARE_KEPT, sha256, by, at, version=version, size=len(content))
        return self.get(sha256)

    def get(self, sha256: str) -> PackageRecord:
        """One package, by its digest or an unambiguous beginning of it. Raises PackageError(UNKNOWN)."""
        found = [record for record in self.all() if record.sha256.startswith(sha256.lower())]
        if len(found) != 1:
            how = "no" if not found else "more than one"
            raise PackageError(PackageReason.UNKNOWN, f"{how} package {sha256!r} is kept: smgw-admin firmware list")
        return found[0]

    def content(self, sha256: str) -> bytes:
        """The bytes of a package. Raises PackageError(UNKNOWN), StorageError."""
        with reading(self._engine) as connection:
            content = connection.scalar(sa.select(table.c.content).where(table.c.sha256 == sha256))
        if content is None:
            raise PackageError(PackageReason.UNKNOWN, f"no package {sha256} is kept: smgw-admin firmware add FILE")
        return bytes(content)

    def all(self) -> list[PackageRecord]:
        """Every package, in the order in which they came. Raises StorageError."""
        columns = (table.c.sha256, table.c.version, sa.func.length(table.c.content).label("size"))
        query = sa.select(*columns, table.c.by, table.c.added_at).order_by(table.c.added_at, table.c.sha256)
        with reading(self._engine) as connection:
            return [
                PackageRecord(row.sha256, row.version, row.size, row.by, from_seconds(row.added_at))
                for row in connection.execute(query)
            ]


def version_of(content: bytes) -> str:
    """The version that a package says it is; not proven by anything.

    1. It is not larger than what goes through a management tunnel.
    2. It is an archive whose first member is the signed manifest, stored as it is, of bounded size.
    3. What is signed there is a manifest.

    Raises PackageError: SIZE, MALFORMED.
    """
    # 1. It is not larger than what goes through a management tunnel.
    if len(content) > MAX_PACKAGE_BYTES:
        raise PackageError(PackageReason.SIZE, f"a package has at most {MAX_PACKAGE_BYTES} bytes")
    # 2. It is an archive whose first member is the signed manifest, stored as it is, of bounded size.
    signed = _first_member(content)
    if signed is None or len(signed) > MAXIMUM_MANIFEST_BYTES:
        raise PackageError(PackageReason.MALFORMED, f"this file is no firmware package: it begins with no {MANIFEST}")
    # 3. What is signed there is a manifest.
    try:
        return Manifest.from_bytes(SignedData.from_bytes(signed).content).version
    except (SealError, FirmwareError) as error:
        raise PackageError(PackageReason.MALFORMED, f"this file is no firmware package: {error}") from error


def _first_member(content: bytes) -> bytes | None:
    """The signed manifest, a little more than its bound at most; None where there is none."""
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            first = archive.infolist()[0]
            if first.filename != MANIFEST or first.compress_type != zipfile.ZIP_STORED:
                return None
            with archive.open(first) as stream:
                return stream.read(MAXIMUM_MANIFEST_BYTES + 1)
    except Exception:  # noqa: BLE001 - zipfile has no base of its errors: zlib's, struct's and its own escape from it
        return None
