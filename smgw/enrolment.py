"""A gateway's first day: keys in its security module, requests for their certificates, an empty encrypted store.

Decides what is made and that nothing is ever made twice: a key, a PIN or a database that exists is left as it is, so
that the command may be repeated after a failure. Private keys are generated inside the module and never leave it. Keys
that a renewal has replaced are never made anew: later generations come from the running gateway (``smgw/keys``).
"""

from cryptography.hazmat.primitives.asymmetric import ec

from pki.files import make_key, write_requests
from pki.profiles import Purpose, Role
from pki.requests import build_triple, common_name_of
from pki.token import Token
from smgw.config import Configuration
from smgw.identity import software_key
from smgw.keys.state import FIRST, read_state
from smgw.store.database import KEY_NAME, STORAGE_LABEL, Database
from smgw.store.store_key import storage_generations


def enrol(configuration: Configuration, token: Token) -> None:
    """Generate what is missing and write ``TLS.csr``, ``SIG.csr`` and ``ENC.csr``.

    A gateway that has renewed its keys has nothing to request here: only a missing store is made then.
    Raises TokenError, StoreError, CertificateError (the state of the keys).
    """
    if not storage_generations(token.labels()):
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
            # By the configuration's own words this key is kept in memory.
            make_key(configuration.wan.tls_key_file)
            keys[purpose] = software_key(configuration.wan.tls_key_file)
        elif purpose in present:
            keys[purpose] = token.key(purpose)
        else:
            keys[purpose] = token.generate_key(purpose, ec.BrainpoolP256R1())
    write_requests(
        configuration.trust.certificates, build_triple(keys, common_name_of(Role.SMGW, configuration.gateway.text))
    )
