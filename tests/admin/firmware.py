"""Firmware packages in their one form, signed by a manufacturer who is good for nothing else."""

import hashlib
import zipfile
from io import BytesIO

from pki import cms
from pki.certificates import Purpose, Role
from testbed.small_pki import NOW, SmallPki
from wire.firmware import Manifest, PackagedFile

_PKI = SmallPki(seed=41)
_MANUFACTURER = _PKI.holder(Role.GWH, Purpose.SIG, "Werk")


def signed(version: str = "1.2.0", wheel: bytes = b"a wheel") -> bytes:
    """A signed manifest."""
    file = PackagedFile("smgw.whl", hashlib.sha256(wheel).hexdigest(), len(wheel))
    manifest = Manifest(version=version, files=(file,), created_at=NOW)
    return cms.sign_document(manifest.to_bytes(), signer=_MANUFACTURER.certificate, key=_MANUFACTURER.key)


def archive(*members: tuple[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    """An archive of these members."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w", compression) as writer:
        for name, content in members:
            writer.writestr(zipfile.ZipInfo(name), content, compression)
    return out.getvalue()


def package(version: str = "1.2.0", wheel: bytes = b"a wheel") -> bytes:
    """A package of one wheel."""
    return archive(("manifest.cms", signed(version, wheel)), ("smgw.whl", wheel))
