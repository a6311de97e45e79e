"""The security module: the only door to PKCS#11, and the only place where the gateway's private keys are used.

Keys are generated inside the token, sensitive and never extractable; what leaves is signatures and agreed secrets
(PP-0073 FDP_ACF.1: nobody reads a key). The PKCS#11 session stands in for the PACE channel of a real gateway
(TR-03109-2): PIN of ten digits or more, opened anew after 48 hours at the latest. SoftHSM2 is the default token; any
module that has the mechanisms used here will do. What concerns the module of the whole process (loading, configuration,
lock) is in :mod:`pki.token_module`.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import pkcs11
from asn1crypto.core import OctetString
from cryptography.hazmat.primitives.asymmetric import ec
from pkcs11 import Attribute, KeyType, Mechanism, MechanismFlag, ObjectClass
from pkcs11.util.ec import encode_named_curve_parameters

from pki import softhsm
from pki.errors import TokenError, TokenReason
from pki.pin import check_pin, create_pin_file, read_pin
from pki.token_key import Operations, TokenKey
from pki.token_module import LOCK, OPEN, initialise_token, load, reinitialise, translated, use_configuration

__all__ = ["Token", "TokenKey", "create_pin_file", "initialise_token", "read_pin", "use_configuration"]

MAXIMUM_SESSION_SECONDS: Final = 48 * 3600
"""TR-03116-3: a session with the security module lasts 48 hours at most."""
AGREEMENT_LABEL: Final = "ENC"
"""Keys with this label (or ``ENC.`` and anything) may agree on secrets; all others may only sign."""
CURVES: Final[dict[str, ec.EllipticCurve]] = {
    "1.3.36.3.3.2.8.1.1.7": ec.BrainpoolP256R1(),
    "1.3.36.3.3.2.8.1.1.11": ec.BrainpoolP384R1(),
    "1.3.36.3.3.2.8.1.1.13": ec.BrainpoolP512R1(),
    "1.2.840.10045.3.1.7": ec.SECP256R1(),
    "1.3.132.0.34": ec.SECP384R1(),
}
"""Curves of TR-03116-3 by object identifier; tokens are asked by identifier, not by name or explicit parameters."""
_CURVE_OF_PARAMETERS: Final = {encode_named_curve_parameters(oid): curve for oid, curve in CURVES.items()}
LOOKS: Final = 5
"""How often a token is looked for that is not there."""
LOOK_SECONDS: Final = 0.05
NONCE_SIZE: Final = 12
TAG_BITS: Final = 128


class Token(Operations):
    """An open, logged-in token (Sicherheitsmodul). A context manager; safe to use from several threads."""

    def __init__(self, module: Path, label: str, pin: str, monotonic: Callable[[], float]) -> None:
        """Use :meth:`open`."""
        self._module = module
        self._label = label
        self._pin = pin
        self._monotonic = monotonic
        self._session: Any = None
        self._since = 0.0
        self._handles: dict[tuple[str, ObjectClass], Any] = {}
        self._closed = False

    @classmethod
    def open(cls, module: Path, label: str, pin: str, *, monotonic: Callable[[], float]) -> Self:
        """Open the token ``label`` and log in; ``monotonic`` gives seconds and decides when the session is renewed.

        Raises:
            TokenError: NO_MODULE, CONFIGURATION, NO_TOKEN, PIN_WEAK, PIN_WRONG, or IN_USE where this process has it
                open already (a PKCS#11 login belongs to the process: a second one would not check its PIN).
        """
        check_pin(pin)
        with LOCK:
            if label in OPEN:
                raise TokenError(TokenReason.IN_USE, f"the token {label!r} is open in this process already")
            token = cls(module, label, pin, monotonic)
            token._log_in()
            OPEN.add(label)
            return token

    def __enter__(self) -> Self:
        """The token itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Log out and forget the PIN; keys made from this token refuse from now on. Closing twice is harmless."""
        with LOCK:
            if not self._closed:
                self._closed = True
                self._pin = ""
                OPEN.discard(self._label)
                self._log_out()

    def generate_key(self, label: str, curve: ec.EllipticCurve) -> TokenKey:
        """Generate a key pair inside the token; the label ``ENC`` may agree on secrets, every other one only signs.

        Raises:
            TokenError: KEY_EXISTS, KEY_REFUSED where the curve is not one of TR-03116-3 or the token made a key that
                it might give away, LOST.
        """
        oid = next((oid for oid, known in CURVES.items() if known.name == curve.name), None)
        if oid is None:
            raise TokenError(TokenReason.KEY_REFUSED, f"no key on {curve.name}: TR-03116-3 does not name that curve")
        agrees = label.partition(".")[0] == AGREEMENT_LABEL
        with self._logged_in() as session:
            self._refuse_existing(label)
            domain = session.create_domain_parameters(
                KeyType.EC, {Attribute.EC_PARAMS: encode_named_curve_parameters(oid)}, local=True
            )
            domain.generate_keypair(
                id=label.encode(),
                label=label,
                store=True,
                capabilities=MechanismFlag.SIGN | MechanismFlag.VERIFY | (MechanismFlag.DERIVE if agrees else 0),
                mechanism=Mechanism.EC_KEY_PAIR_GEN,
                private_template={
                    Attribute.PRIVATE: True,
                    Attribute.SENSITIVE: True,
                    Attribute.EXTRACTABLE: False,
                    Attribute.MODIFIABLE: False,
                },
            )
        try:
            return self.key(label)
        except TokenError:
            self.destroy_key(label)
            raise

    def key(self, label: str) -> TokenKey:
        """The key pair called ``label``.

        Raises:
            TokenError: KEY_MISSING, KEY_REFUSED where the key came from outside or may leave the token, LOST.
        """
        with self._logged_in():
            public = self._object(label, ObjectClass.PUBLIC_KEY)
            private = self._object(label, ObjectClass.PRIVATE_KEY)
            _refuse_extractable(private, label)
            curve = _CURVE_OF_PARAMETERS.get(public[Attribute.EC_PARAMS])
            if curve is None:
                raise TokenError(TokenReason.KEY_REFUSED, f"the key {label!r} is on no curve of TR-03116-3")
            point = OctetString.load(public[Attribute.EC_POINT]).native
            return TokenKey(self, label, ec.EllipticCurvePublicKey.from_encoded_point(curve, point))

    def destroy_key(self, label: str) -> None:
        """Destroy every object called ``label`` for good; raises TokenError KEY_MISSING where there is none."""
        with self._logged_in() as session:
            found = list(session.get_objects({Attribute.LABEL: label}))
            self._handles.clear()
            for thing in found:
                thing.destroy()
        if not found:
            raise TokenError(TokenReason.KEY_MISSING, f"the token {self._label!r} has no key {label!r}")

    def labels(self) -> list[str]:
        """Labels of the private and secret keys, sorted."""
        with self._logged_in() as session:
            kinds = (ObjectClass.PRIVATE_KEY, ObjectClass.SECRET_KEY)
            return sorted(
                str(thing[Attribute.LABEL]) for kind in kinds for thing in session.get_objects({Attribute.CLASS: kind})
            )

    def generate_storage_key(self, label: str) -> None:
        """Generate the AES-256 key that protects the keys of stores; it never leaves the token.

        Raises:
            TokenError: KEY_EXISTS, KEY_REFUSED, LOST.
        """
        with self._logged_in() as session:
            self._refuse_existing(label)
            key = session.generate_key(
                KeyType.AES,
                256,
                id=label.encode(),
                label=label,
                store=True,
                capabilities=MechanismFlag.ENCRYPT | MechanismFlag.DECRYPT,
                template={
                    Attribute.PRIVATE: True,
                    Attribute.SENSITIVE: True,
                    Attribute.EXTRACTABLE: False,
                    Attribute.MODIFIABLE: False,
                },
            )
            _refuse_extractable(key, label)

    def wrap_secret(self, label: str, secret: bytes, context: bytes) -> bytes:
        """Encrypt ``secret`` with AES-256-GCM inside the token; ``context`` must be the same when it is unwrapped.

        Returns nonce (12 octets, from the token), ciphertext and tag (16 octets). Raises TokenError.
        """
        with self._logged_in() as session:
            key = self._storage_key(label)
            nonce = session.generate_random(NONCE_SIZE * 8)
            parameters = pkcs11.GCMParams(nonce, context, TAG_BITS)
            return bytes(nonce + key.encrypt(secret, mechanism=Mechanism.AES_GCM, mechanism_param=parameters))

    def unwrap_secret(self, label: str, wrapped: bytes, context: bytes) -> bytes:
        """The secret of :meth:`wrap_secret`.

        Raises:
            TokenError: UNWRAP where it was altered, or made with another key or context; KEY_MISSING, LOST.
        """
        sentence = f"the wrapped secret was altered, or is not for the key {label!r} of this token"
        if len(wrapped) <= NONCE_SIZE + TAG_BITS // 8:
            raise TokenError(TokenReason.UNWRAP, sentence)
        with self._logged_in():
            key = self._storage_key(label)
            parameters = pkcs11.GCMParams(wrapped[:NONCE_SIZE], context, TAG_BITS)
            try:
                return bytes(key.decrypt(wrapped[NONCE_SIZE:], mechanism=Mechanism.AES_GCM, mechanism_param=parameters))
            except (pkcs11.GeneralError, pkcs11.EncryptedDataInvalid, pkcs11.FunctionFailed) as error:
                # SoftHSM2 says "general error" for a wrong tag.
                raise TokenError(TokenReason.UNWRAP, sentence) from error

    def random(self, count: int) -> bytes:
        """``count`` octets (one or more) of the token's random number generator."""
        with self._logged_in() as session:
            return bytes(session.generate_random(count * 8))

    def sign_digest(self, label: str, digest: bytes) -> bytes:
        """Raw r||s over ``digest`` with the private key ``label``; for :class:`TokenKey`."""
        with self._logged_in():
            return bytes(self._object(label, ObjectClass.PRIVATE_KEY).sign(digest, mechanism=Mechanism.ECDSA))

    def agree(self, label: str, point: bytes, size: int) -> bytes:
        """The x-coordinate, ``size`` octets, that ``label`` and the peer's uncompressed ``point`` share (ECKA-DH)."""
        with self._logged_in():
            key = self._object(label, ObjectClass.PRIVATE_KEY)
            if not hasattr(key, "derive_key"):  # python-pkcs11 gives an object only the methods of its capabilities.
                raise TokenError(TokenReason.KEY_REFUSED, f"the key {label!r} may only sign")
            secret = key.derive_key(
                KeyType.GENERIC_SECRET,
                size * 8,
                mechanism=Mechanism.ECDH1_DERIVE,
                mechanism_param=(pkcs11.KDF.NULL, None, point),
                template={Attribute.TOKEN: False, Attribute.SENSITIVE: False, Attribute.EXTRACTABLE: True},
            )
            try:
                return bytes(secret[Attribute.VALUE])
            finally:
                secret.destroy()

    def _refuse_existing(self, label: str) -> None:
        if not label or list(self._session.get_objects({Attribute.LABEL: label})):
            raise TokenError(
                TokenReason.KEY_EXISTS, f"the token {self._label!r} has {label!r} already; destroy it first"
            )

    def _storage_key(self, label: str) -> Any:
        key = self._object(label, ObjectClass.SECRET_KEY)
        _refuse_extractable(key, label)
        return key

    def _object(self, label: str, kind: ObjectClass) -> Any:
        known = self._handles.get((label, kind))
        if known is None:
            found = list(self._session.get_objects({Attribute.LABEL: label, Attribute.CLASS: kind}))
            if not found:
                sentence = f"the token {self._label!r} has no key {label!r}: it was never made, or it was destroyed"
                raise TokenError(TokenReason.KEY_MISSING, sentence)
            if len(found) != 1:
                sentence = f"the token {self._label!r} has {len(found)} keys {label!r}, expected was one"
                raise TokenError(TokenReason.KEY_MISSING, sentence)
            known = self._handles[label, kind] = found[0]
        return known

    @contextmanager
    def _logged_in(self) -> Iterator[Any]:
        """The session, for one operation: no other thread is inside the module, and it is never older than 48 hours."""
        with LOCK:
            if self._closed:
                raise TokenError(TokenReason.LOST, f"the token {self._label!r} was closed; open it again")
            if self._session is not None and self._monotonic() - self._since >= MAXIMUM_SESSION_SECONDS:
                self._log_out()
            if self._session is None:
                self._log_in()
            try:
                with translated(self._label):
                    yield self._session
            except TokenError as error:
                if error.reason is TokenReason.LOST:
                    # The next operation tries from the start, so that a token that comes back is used again.
                    self._log_out()
                raise

    def _log_in(self) -> None:
        with suppress(OSError):  # where the disk does not let us, the log-in itself says what is wrong
            softhsm.mend(self._module)
        with translated(self._label):
            library = load(self._module)
            if not OPEN - {self._label}:
                # Nothing else is in use: look at the slots again, for tokens that came, went or came back since.
                reinitialise(library)
            try:
                self._session = self._found(library).open(rw=True, user_pin=self._pin)
            except (pkcs11.PinIncorrect, pkcs11.PinLocked, pkcs11.PinInvalid, pkcs11.PinLenRange, pkcs11.PinExpired):
                # Never tried twice: three wrong PINs lock a token.
                self._closed = True
                OPEN.discard(self._label)
                raise
            self._since = self._monotonic()
        with suppress(OSError):  # a disk that takes no copy keeps the former one
            softhsm.keep(self._module)

    def _found(self, library: Any) -> Any:
        """The token; while another process logs in, SoftHSM2 finds its description empty for an instant."""
        for _ in range(LOOKS - 1):
            with suppress(pkcs11.NoSuchToken):
                return library.get_token(token_label=self._label)
            time.sleep(LOOK_SECONDS)
            if not OPEN - {self._label}:
                reinitialise(library)
        return library.get_token(token_label=self._label)

    def _log_out(self) -> None:
        self._handles.clear()
        session, self._session = self._session, None
        if session is not None:
            with suppress(pkcs11.PKCS11Error):
                session.close()


def _refuse_extractable(key: Any, label: str) -> None:
    """A key that was outside once, or may go there, is not one of ours, whatever its label says."""
    wanted = {
        Attribute.SENSITIVE: True,
        Attribute.EXTRACTABLE: False,
        Attribute.ALWAYS_SENSITIVE: True,
        Attribute.NEVER_EXTRACTABLE: True,
        Attribute.LOCAL: True,
    }
    found = key.get_attributes(list(wanted))
    if found != wanted:
        raise TokenError(TokenReason.KEY_REFUSED, f"the key {label!r} was not made in this token or may leave it")
