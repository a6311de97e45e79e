"""A firmware package: an archive of wheels with a manifest that the manufacturer signed, proven before it is unpacked.

Decides when a package is believed, in numbered steps, and which files come out of it. The archive is a ZIP of one form:
``manifest.cms`` (SignedData over the manifest), then the wheels in the order of the manifest, each stored as it is.
Nothing is inflated before the signature and every hash hold, and what is inflated then is bounded and checked name by
name: a careless manufacturer must not be able to write outside of a slot, or to fill the disk. Writes nothing itself.
PP-0073: FIA_UAU.5.
"""

import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from io import BytesIO
from typing import Final

from cryptography import x509

from pki import cms
from pki.certificates import Purpose, Role, TrustStore, VerifiedCertificate, fingerprint
from pki.errors import CertificateError, SealError
from smgw.firmware.errors import FirmwareReason, FirmwareRefusedError
from smgw.program import DISTRIBUTION
from wire.errors import FirmwareError
from wire.firmware import MANIFEST, MAXIMUM_FILES, MAXIMUM_MANIFEST_BYTES, Manifest
from wire.management import MAX_PACKAGE_BYTES

MAXIMUM_MEMBERS: Final = 10_000
"""Files in all wheels together: ours and all that it depends on have some 2,000."""
MAXIMUM_UNPACKED: Final = 192 * 1024 * 1024
"""Octets of all wheels together, unpacked: three times what comes in, where wheels shrink to a third."""
MAXIMUM_PATH: Final = 200
"""Characters of a path below the slot."""
PIECE: Final = 65536
"""Octets that are inflated at once: a member that is larger than it says is noticed after one more."""
ENTRY: Final = "smgw/__main__.py"
"""What the launcher starts."""

_SEGMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+@ -]*", re.ASCII)
"""One part of a path: never empty, nor ``.`` or ``..``, nor hidden, nor a drive, nor an option."""
_CREATED = (1980, 1, 1, 0, 0, 0)
"""The earliest time that the format can hold."""
_UNIX: Final = 3
_OWNERS_FILE: Final = 0o100600 << 16
"""A plain file that its owner reads and writes, where Unix has its modes in an archive."""
_ENCRYPTED: Final = 0x1
_FILE_TYPES: Final = 0xF000
_PLAIN_FILES: Final = (0x0000, 0x8000)
"""File types of Unix in an archive: none given, or a plain file; a link is neither."""
_FOLDERS: Final = (0x0000, 0x4000)


@dataclass(frozen=True, slots=True)
class Package:
    """A package that passed every step of :func:`open_package`; only made there."""

    manifest: Manifest
    wheels: Mapping[str, bytes]


def manufacturer(certificate: x509.Certificate, trust: TrustStore, at: datetime) -> VerifiedCertificate:
    """The pinned ``certificate``, good at ``at`` for a manufacturer (GWH) to sign. Raises FirmwareRefusedError."""
    pinned = {fingerprint(certificate)}
    try:
        return trust.verify(certificate, role=Role.GWH, purpose=Purpose.SIG, at=at, pinned=pinned)
    except CertificateError as error:
        sentence = f"the manufacturer's certificate: {error.reason.value}"
        raise FirmwareRefusedError(FirmwareReason.MANUFACTURER, sentence) from error


def open_package(data: bytes, signer: VerifiedCertificate) -> Package:
    """Believe ``data`` as a package of the manufacturer ``signer``, or raise.

    1. It is not larger than a package can be.
    2. It is an archive whose first member is the signed manifest, of bounded size.
    3. The manufacturer's signature over the manifest holds.
    4. The signed content is a manifest, to the last octet.
    5. The archive is of the one form: these files in this order, stored as they are, and nothing else.
    6. Every file has the size and the hash that the manifest names.

    What a caller MUST still do: check that the version may come in.

    Raises FirmwareRefusedError with the reason of the first step that fails.
    """
    # 1
    if len(data) > MAX_PACKAGE_BYTES:
        raise FirmwareRefusedError(FirmwareReason.TOO_LARGE, f"a package has at most {MAX_PACKAGE_BYTES} octets")
    # 2
    with _archive(data, FirmwareReason.PACKAGE) as archive:
        members = archive.infolist()
        if not 1 <= len(members) <= MAXIMUM_FILES + 1 or members[0].filename != MANIFEST:
            raise FirmwareRefusedError(FirmwareReason.PACKAGE, "not a manifest and its files")
        signed = _stored(archive, members[0], MAXIMUM_MANIFEST_BYTES)
        # 3
        try:
            content = cms.open_document(signed, signers=[signer]).content
        except SealError as error:
            sentence = f"the manifest is not signed by the manufacturer: {error.reason.value}"
            raise FirmwareRefusedError(FirmwareReason.SIGNATURE, sentence) from error
        # 4
        try:
            manifest = Manifest.from_bytes(content)
        except FirmwareError as error:
            raise FirmwareRefusedError(FirmwareReason.PACKAGE, "the signed content is not a manifest") from error
        # 5
        if [member.filename for member in members[1:]] != [file.name for file in manifest.files]:
            raise FirmwareRefusedError(FirmwareReason.PACKAGE, "the files are not those of the manifest")
        wheels = {
            file.name: _stored(archive, member, file.size)
            for file, member in zip(manifest.files, members[1:], strict=True)
        }
    if build_package(signed, wheels) != data:
        raise FirmwareRefusedError(FirmwareReason.PACKAGE, "the archive is not of the one form")
    # 6
    for file in manifest.files:
        wheel = wheels[file.name]
        if len(wheel) != file.size or sha256(wheel).hexdigest() != file.sha256:
            raise FirmwareRefusedError(FirmwareReason.PACKAGE, f"{file.name} is not the file that the manifest names")
    return Package(manifest, wheels)


def build_package(signed_manifest: bytes, wheels: Mapping[str, bytes]) -> bytes:
    """The one archive of these parts: the same parts give the same octets."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, content in ((MANIFEST, signed_manifest), *sorted(wheels.items())):
            member = zipfile.ZipInfo(name, _CREATED)
            member.create_system = _UNIX
            member.external_attr = _OWNERS_FILE
            archive.writestr(member, content)
    return out.getvalue()


def unpack(package: Package) -> dict[str, bytes]:
    """Every file of the program, by its path below the slot.

    1. All wheels together have a bounded number of members and octets.
    2. Every name is a plain relative path of a file or a folder; no two files are one path, also where case does not
       count, and none is a folder and a file at once.
    3. Every file has as many octets as it says, and its sum holds.
    4. The program's entry is there, and its metadata names the version of the manifest.

    Raises FirmwareRefusedError CONTENT.
    """
    files: dict[str, bytes] = {}
    left, members_left = MAXIMUM_UNPACKED, MAXIMUM_MEMBERS
    for name, wheel in package.wheels.items():
        with _archive(wheel, FirmwareReason.CONTENT) as archive:
            for member in archive.infolist():
                # 1
                left -= member.file_size
                members_left -= 1
                if left < 0 or members_left < 0:
                    raise _content(f"{name} and what comes before it are larger than a slot may be")
                # 2
                _require_path(name, member)
                if member.is_dir():
                    continue  # some wheels name their folders, too: they come with their files
                if member.filename in files:
                    raise _content(f"{name} brings a file that is there already")
                # 3
                files[member.filename] = _inflated(archive, name, member)
    _require_apart(files)
    # 4
    metadata = f"{DISTRIBUTION.replace('-', '_')}-{package.manifest.version}.dist-info/METADATA"
    if ENTRY not in files or metadata not in files:
        raise _content("the program of the manifest's version is not in the package")
    if f"\nVersion: {package.manifest.version}\n".encode() not in files[metadata]:
        raise _content("the program says another version of itself than the manifest")
    return files


def _archive(data: bytes, reason: FirmwareReason) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(BytesIO(data))
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError, OSError, RuntimeError) as error:
        raise FirmwareRefusedError(reason, "not an archive") from error


def _stored(archive: zipfile.ZipFile, member: zipfile.ZipInfo, highest: int) -> bytes:
    """The octets of a member that is stored as it is, at most ``highest``."""
    if member.compress_type != zipfile.ZIP_STORED or member.flag_bits & _ENCRYPTED or member.file_size > highest:
        raise FirmwareRefusedError(FirmwareReason.PACKAGE, "a member is not stored as it is, or too large")
    data = _read(archive, member, highest)
    if data is None:
        raise FirmwareRefusedError(FirmwareReason.PACKAGE, "a member of the archive cannot be read")
    return data


def _inflated(archive: zipfile.ZipFile, wheel: str, member: zipfile.ZipInfo) -> bytes:
    if member.flag_bits & _ENCRYPTED or member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _content(f"{wheel} holds a member that cannot be read")
    data = _read(archive, member, member.file_size)
    if data is None:
        raise _content(f"{wheel} holds a member that is not what it says")
    return data


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo, highest: int) -> bytes | None:
    """As many octets as the member says, never more than ``highest`` in memory; None where it is not as it says."""
    data = bytearray()
    try:
        with archive.open(member) as stream:
            while piece := stream.read(PIECE):
                data += piece
                if len(data) > highest:
                    return None
    except Exception:  # noqa: BLE001 - zipfile has no base of its errors: zlib's, struct's and its own escape from it
        return None
    return bytes(data) if len(data) == member.file_size else None


def _require_path(wheel: str, member: zipfile.ZipInfo) -> None:
    # orig_filename is what stands in the archive; zipfile cuts a name at a zero octet and turns separators.
    path = member.orig_filename
    segments = path.removesuffix("/").split("/")
    if path != member.filename or len(path) > MAXIMUM_PATH or not all(_SEGMENT.fullmatch(one) for one in segments):
        raise _content(f"{wheel} holds a name that is not a plain path")
    kinds = _FOLDERS if member.is_dir() else _PLAIN_FILES
    if (member.external_attr >> 16) & _FILE_TYPES not in kinds or (member.is_dir() and member.file_size):
        raise _content(f"{wheel} holds something that is neither a plain file nor a folder")


def _require_apart(files: Mapping[str, bytes]) -> None:
    names = {name.lower() for name in files}
    folders = {name.rsplit("/", count)[0] for name in names for count in range(1, name.count("/") + 1)}
    if len(names) != len(files) or names & folders:
        raise _content("two files of the package want one place")


def _content(sentence: str) -> FirmwareRefusedError:
    return FirmwareRefusedError(FirmwareReason.CONTENT, sentence)
