"""The administrator's own first day: a token with keys, a key file for its servers, requests for certificates.

Decides what is made and that nothing is ever made twice: a key or a PIN that exists is left as it is, so that the
command may be repeated after a failure. SIG and ENC are generated inside the token and never leave it; the TLS key is a
file, because the servers that gateways dial need it in their memory.
"""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from admin.config import Configuration
from pki.certificates import Purpose, Role
from pki.files import make_key, read_key, write_requests
from pki.requests import build_triple, common_name_of
from pki.token import Token


def request_certificates(configuration: Configuration, token: Token) -> Path:
    """Generate what is missing and write ``TLS.csr``, ``SIG.csr``, ``ENC.csr``; gives their folder.

    Raises TokenError, IssueError.
    """
    present = token.labels()
    keys: dict[Purpose, ec.EllipticCurvePrivateKey] = {
        purpose: token.key(purpose) if purpose in present else token.generate_key(purpose, ec.BrainpoolP256R1())
        for purpose in (Purpose.SIG, Purpose.ENC)
    }
    make_key(configuration.keys.tls_key)
    keys[Purpose.TLS] = read_key(configuration.keys.tls_key)
    folder = configuration.keys.signature_certificate.parent
    write_requests(folder, build_triple(keys, common_name_of(Role.GWA, configuration.name)))
    return folder
