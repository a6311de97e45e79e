"""Where the private keys of each generation are: labels in the security module, or one key file.

Decides what a generation's keys are called (``TLS``, ``SIG``, ``ENC`` for the first, ``TLS.2`` … for the second) and
how one is made, proven and destroyed. Nothing here knows which generation is in use: ``renewal.py`` does. A gateway
whose configuration keeps the TLS key in process memory has a key file for each generation instead of a label.
"""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from pki.errors import TokenError, TokenReason
from pki.profiles import Purpose
from pki.store import write_atomically
from pki.token import Token
from smgw.identity import software_key
from smgw.keys.state import FIRST

_LABEL: Final = re.compile(r"(?P<purpose>TLS|SIG|ENC)(?:\.(?P<number>[2-9]|[1-9][0-9]{1,3}))?")
_CURVE: Final = ec.BrainpoolP256R1()
_ECDSA: Final = ec.ECDSA(SHA256())
_CHALLENGE: Final = b"SMGW proof of a key of its own\0"
"""What a key signs to prove itself; no document of the gateway begins so."""


def label_of(purpose: Purpose, generation: int) -> str:
    """What the key is called in the security module."""
    return purpose.value if generation == FIRST else f"{purpose}.{generation}"


def certificates_of(folder: Path, generation: int) -> Path:
    """The folder of a generation's certificates: the first one's lie in ``folder`` itself."""
    return folder if generation == FIRST else folder / f"generation-{generation}"


def key_file_of(first: Path, generation: int) -> Path:
    """The TLS key file of a generation, where there are such files."""
    return first if generation == FIRST else first.with_name(f"{first.name}.{generation}")


class KeyCabinet:
    """The keys of all generations of one gateway."""

    def __init__(self, token: Token, tls_key_file: Path | None, *, sync: Callable[[], None] = os.sync) -> None:
        """``tls_key_file`` only where the TLS key is in process memory; ``sync`` brings a token's files to the disk."""
        self._token = token
        self._tls_key_file = tls_key_file
        self._sync = sync

    def key(self, purpose: Purpose, generation: int) -> ec.EllipticCurvePrivateKey:
        """The key. Raises TokenError: KEY_MISSING, KEY_REFUSED, LOST."""
        if purpose is Purpose.TLS and self._tls_key_file is not None:
            return software_key(key_file_of(self._tls_key_file, generation))
        return self._token.key(label_of(purpose, generation))

    def make(self, purpose: Purpose, generation: int) -> ec.EllipticCurvePrivateKey:
        """Make a key that is not there yet. Raises TokenError: KEY_EXISTS, KEY_REFUSED, LOST; OSError."""
        if purpose is Purpose.TLS and self._tls_key_file is not None:
            path = key_file_of(self._tls_key_file, generation)
            if path.exists():
                raise TokenError(TokenReason.KEY_EXISTS, f"{path} exists: nothing was changed")
            made = ec.generate_private_key(_CURVE)
            write_atomically(path, made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), mode=0o600)
            return software_key(path)
        return self._token.generate_key(label_of(purpose, generation), _CURVE)

    def destroy(self, purpose: Purpose, generation: int) -> None:
        """Destroy a key, or what is left of one; one that is gone is no failure. Raises TokenError LOST, OSError.

        PP-0073 FCS_CKM.4.
        """
        if purpose is Purpose.TLS and self._tls_key_file is not None:
            path = key_file_of(self._tls_key_file, generation)
            for one in (path, path.with_name(f".{path.name}.new")):
                one.unlink(missing_ok=True)
            return
        try:
            self._token.destroy_key(label_of(purpose, generation))
        except TokenError as error:
            if error.reason is not TokenReason.KEY_MISSING:
                raise

    def present(self) -> set[tuple[Purpose, int]]:
        """Every key that has the name of a gateway's key. Raises TokenError."""
        found = {_read_label(label) for label in self._token.labels()}
        present = {one for one in found if one is not None}
        if self._tls_key_file is not None:
            # Labels of another way to keep the TLS key are not ours to judge: the configuration says file.
            present = {one for one in present if one[0] is not Purpose.TLS} | _key_files(self._tls_key_file)
        return present

    def settle_on_disk(self) -> None:
        """Keys that were made or destroyed are so on the disk too: a token in files does not sync them itself."""
        self._sync()


def prove_key(key: ec.EllipticCurvePrivateKey, public_key: ec.EllipticCurvePublicKey, purpose: Purpose) -> None:
    """The private key belongs to ``public_key`` and does its work: it signs, or for ENC it agrees on a secret.

    Raises:
        TokenError: KEY_REFUSED where it does not, LOST.
    """
    if purpose is Purpose.ENC:
        # A secret agreed from both ends; the other end's key lives as long as this function.
        other = ec.generate_private_key(_CURVE)
        holds = key.exchange(ec.ECDH(), other.public_key()) == other.exchange(ec.ECDH(), public_key)
    else:
        try:
            public_key.verify(key.sign(_CHALLENGE, _ECDSA), _CHALLENGE, _ECDSA)
            holds = True
        except InvalidSignature:
            holds = False
    if not holds:
        raise TokenError(TokenReason.KEY_REFUSED, f"the key for {purpose} is not the one that its certificate names")


def _read_label(label: str) -> tuple[Purpose, int] | None:
    match = _LABEL.fullmatch(label)
    return None if match is None else (Purpose(match["purpose"]), int(match["number"] or FIRST))


def _key_files(first: Path) -> set[tuple[Purpose, int]]:
    found = {(Purpose.TLS, FIRST)} if first.exists() else set()
    for path in first.parent.glob(f"{first.name}.*"):
        number = path.name.removeprefix(f"{first.name}.")
        if re.fullmatch(r"[2-9]|[1-9][0-9]{1,3}", number):
            found.add((Purpose.TLS, int(number)))
    return found
