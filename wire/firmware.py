"""The manifest of a firmware package: which version it is and which files it consists of, as the manufacturer signs it.

Decides its one canonical form, the names that a file may have, how large everything may be, and which of two versions
is the later one. Whether the manufacturer signed it and whether the files are those that it names is decided in
smgw/firmware/package.py. (The form of real packages is the manufacturers' own; TR-03109-1 only asks that the
administrator brings them and that the gateway verifies the manufacturer's signature.)
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from wire.canonical_json import JsonValue
from wire.errors import FirmwareError, ProfileError
from wire.profiles import document, fields
from wire.profiles.document import Fields

MANIFEST = "manifest.cms"
"""The first member of a package: SignedData over the manifest, stored as it is."""
MAXIMUM_MANIFEST_BYTES = 65536
"""A manifest of 64 files has 12 kB."""
MAXIMUM_FILES = 64
"""Wheels in one package: ours and everything that it depends on are fewer than twenty."""
MAXIMUM_FILE_BYTES = 48 * 1024 * 1024
"""The largest wheel that we depend on has 5 MB."""
MAXIMUM_CONTENT_BYTES = 63 * 1024 * 1024
"""All files of one package, so that it fits through the management tunnel (wire.management.MAX_PACKAGE_BYTES)."""

VERSION = re.compile(r"(?:0|[1-9]\d{0,8})(?:\.(?:0|[1-9]\d{0,8})){1,3}", re.ASCII)
"""Two to four numbers: what can be compared without a rule for exceptions."""
_NUMBERS = 4
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,122}\.whl", re.ASCII)
"""A plain file name: no folder, no hidden file, nothing that a file system reads in another way."""


def rank(version: str) -> tuple[int, ...]:
    """What versions are compared by: their numbers, missing ones being 0. Raises FirmwareError."""
    if not isinstance(version, str) or VERSION.fullmatch(version) is None:
        raise FirmwareError(f"not a version of two to four numbers: {version!r:.60}")
    numbers = [int(number) for number in version.split(".")]
    return (*numbers, *[0] * (_NUMBERS - len(numbers)))


@dataclass(frozen=True, slots=True)
class PackagedFile:
    """One file of a package: a wheel, by its name, its SHA-256 and its size in octets."""

    name: str
    sha256: str
    size: int

    def __post_init__(self) -> None:
        """Check every field. Raises FirmwareError."""
        with document.refusing(FirmwareError):
            fields.require_match("name", self.name, _NAME)
            fields.require_fingerprint("sha256", self.sha256)
            fields.require_range("size", self.size, 1, MAXIMUM_FILE_BYTES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The manifest of one package; ``files`` stand in the order of their names."""

    KIND: ClassVar[str] = "firmware"

    version: str
    files: tuple[PackagedFile, ...]
    created_at: datetime

    def __post_init__(self) -> None:
        """Check every field. Raises FirmwareError."""
        rank(self.version)
        with document.refusing(FirmwareError):
            if not isinstance(self.files, tuple) or not all(isinstance(one, PackagedFile) for one in self.files):
                raise ProfileError("files is not a tuple of files")
            if not 1 <= len(self.files) <= MAXIMUM_FILES:
                raise ProfileError(f"a package has 1 to {MAXIMUM_FILES} files, not {len(self.files)}")
            names = [one.name for one in self.files]
            # Two names that differ in case only are one file on some file systems.
            if names != sorted(names) or len({name.lower() for name in names}) != len(names):
                raise ProfileError("the files are not in the order of their names, each once")
            if sum(one.size for one in self.files) > MAXIMUM_CONTENT_BYTES:
                raise ProfileError(f"the files have more than {MAXIMUM_CONTENT_BYTES} octets")
            document.instant(self.created_at)

    def to_bytes(self) -> bytes:
        """Canonical JSON. Raises FirmwareError."""
        files: list[JsonValue] = [{"name": one.name, "sha256": one.sha256, "size": one.size} for one in self.files]
        with document.refusing(FirmwareError):
            return document.write(
                {
                    "kind": self.KIND,
                    "version": self.version,
                    "files": files,
                    "created_at": document.instant(self.created_at),
                }
            )

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what :meth:`to_bytes` writes. Raises FirmwareError."""
        with document.refusing(FirmwareError):
            taken = Fields(document.read(data))
            document.require_kind(taken, cls.KIND)
            manifest = cls(
                version=taken.text("version"),
                files=tuple(_file(Fields(content, "files.")) for content in taken.objects("files")),
                created_at=taken.instant("created_at"),
            )
            taken.finish()
        return manifest


def _file(taken: Fields) -> PackagedFile:
    file = PackagedFile(taken.text("name"), taken.text("sha256"), taken.integer("size"))
    taken.finish()
    return file
