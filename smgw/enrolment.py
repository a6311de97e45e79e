"""A gateway's first day: keys in its security module, requests for their certificates, an empty encrypted store.

Decides what is made and that nothing is ever made twice: a key, a PIN or a database that exists is left as it is, so
that the command may be repeated after a failure. Private keys are generated inside the module and never leave it. Keys
that a renewal has replaced are never made anew: later generations come from the running gateway (``smgw/keys``).
"""

from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from pki.errors import TokenError, TokenReason
from pki.files import write_requests
from pki.pin import create_pin_file, read_pin
from pki.profiles import Purpose, Role
from pki.requests import build_triple, common_name_of
from pki.store import write_atomically
from pki.token import Token, initialise_token, use_configuration
from smgw.config import Configuration
from smgw.identity import software_key
from smgw.keys.state import FIRST, read_state
from smgw.store.database import KEY_NAME, STORAGE_LABEL, Database


def create_token(configuration: Configuration, random: Callable[[int], bytes]) -> None:
    """Make an empty token under the configured label; PINs that do not exist are drawn and written (mode 0600).

    The security officer's PIN stands beside the user's in a file with the ending ``.so``. A token that exists stays.
    Raises TokenError.
    """
    chosen = configuration.token
    officer_file = chosen.pin_file.with_name(chosen.pin_file.name + ".so")
    for file in (chosen.pin_file, officer_file):
        if not file.exists():
            create_pin_file(file, random)
    if chosen.configuration is not None:
        use_configuration(chosen.configuration)
    try:
        initialise_token(chosen.module, chosen.label, read_pin(chosen.pin_file), read_pin(officer_file))
    except TokenError as error:
        if error.reason is not TokenReason.TOKEN_EXISTS:
            raise


def enrol(configuration: Configuration, token: Token) -> None:
    """Generate what is missing and write ``TLS.csr``, ``SIG.csr`` and ``ENC.csr``.

    A gateway that has renewed its keys has nothing to request here: only a missing store is made then.
    Raises TokenError, StoreError, CertificateError (the state of the keys).
    """
    if STORAGE_LABEL not in token.labels():
        token.generate_storage_key(STORAGE_LABEL)
    configuration.trust.certificates.mkdir(parents=True, exist_ok=True)
    if read_state(configuration.trust.certificates).generation == FIRST:
        _request(configuration, token)
    if not (configuration.store / KEY_NAME).exists():
        Database.create(configuration.store, token, configuration.gateway).close()


def _request(configuration: Configuration, token: Token) -> None:
    """The first generation's keys and the requests for their certificates."""
    present = token.labels()
    keys: dict[Purpose, ec.EllipticCurvePrivateKey] = {}
    for purpose in Purpose:
        if purpose is Purpose.TLS and configuration.wan.tls_key_file is not None:
            keys[purpose] = _made_software_key(configuration.wan.tls_key_file)
        elif purpose in present:
            keys[purpose] = token.key(purpose)
        else:
            keys[purpose] = token.generate_key(purpose, ec.BrainpoolP256R1())
    write_requests(
        configuration.trust.certificates, build_triple(keys, common_name_of(Role.SMGW, configuration.gateway.text))
    )


def _made_software_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """The TLS key of a gateway that keeps it in memory, by its configuration's own words; made where there is none."""
    if not path.exists():
        key = ec.generate_private_key(ec.BrainpoolP256R1())
        write_atomically(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), mode=0o600)
    return software_key(path)
