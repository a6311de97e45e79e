"""What trust may say when it refuses: one base, one class per door, and an enum reason that tests and logs can name.

Nothing in ``pki`` lets another library's exception escape: each door translates it once, with ``raise ... from``. The
sentence is for a person and says what to do; the reason is for programs and never changes its meaning.
"""

from enum import Enum


class CertificateReason(Enum):
    """Why a certificate is not believed."""

    MALFORMED = "malformed"
    PROFILE = "profile"
    NOT_PINNED = "not-pinned"
    WRONG_NAME = "wrong-name"
    WRONG_ROLE = "wrong-role"
    WRONG_PURPOSE = "wrong-purpose"
    UNKNOWN_ISSUER = "unknown-issuer"
    BAD_SIGNATURE = "bad-signature"
    NOT_YET_VALID = "not-yet-valid"
    EXPIRED = "expired"
    CRL_MISSING = "crl-missing"
    CRL_STALE = "crl-stale"
    REVOKED = "revoked"
    SEAL = "seal"
    CRL_OLDER = "crl-older"


class SealReason(Enum):
    """Why a sealed content or a signed document is not opened."""

    MALFORMED = "malformed"
    ALGORITHM = "algorithm"
    UNKNOWN_SIGNER = "unknown-signer"
    SIGNATURE = "signature"
    NOT_FOR_US = "not-for-us"
    DECRYPTION = "decryption"


class TokenReason(Enum):
    """Why the security module does not do what it is asked."""

    NO_MODULE = "no-module"
    CONFIGURATION = "configuration"
    NO_TOKEN = "no-token"  # noqa: S105 - a reason, not a secret
    TOKEN_EXISTS = "token-exists"  # noqa: S105 - a reason, not a secret
    IN_USE = "in-use"
    PIN_FILE = "pin-file"
    PIN_WEAK = "pin-weak"
    PIN_WRONG = "pin-wrong"
    KEY_MISSING = "key-missing"
    KEY_EXISTS = "key-exists"
    KEY_REFUSED = "key-refused"
    UNWRAP = "unwrap"
    LOST = "lost"


class TunnelReason(Enum):
    """Why there is no tunnel, or no more of it."""

    PROGRAM_MISSING = "program-missing"
    UNREACHABLE = "unreachable"
    PEER_CERTIFICATE = "peer-certificate"
    HANDSHAKE = "handshake"
    TIMEOUT = "timeout"
    CLOSED = "closed"


class IssueReason(Enum):
    """Why the certification authority does not issue, renew or revoke."""

    REQUEST = "request"
    POSSESSION = "possession"
    LINT = "lint"
    SPENT = "spent"
    ISSUER = "issuer"
    STATE = "state"
    HOLDER_EXISTS = "holder-exists"
    UNKNOWN_CERTIFICATE = "unknown-certificate"
    ALREADY_REVOKED = "already-revoked"


class TrustError(Exception):
    """Base of every refusal by ``pki``; never raised itself."""


class CertificateError(TrustError):
    """A certificate, or the chain or revocation list behind it, is not good for what it is shown for."""

    def __init__(self, reason: CertificateReason, sentence: str) -> None:
        """Keep ``reason`` for programs and ``sentence`` for people."""
        super().__init__(sentence)
        self.reason = reason


class SealError(TrustError):
    """A sealed content or signed document does not open."""

    def __init__(self, reason: SealReason, sentence: str) -> None:
        """Keep ``reason`` for programs and ``sentence`` for people."""
        super().__init__(sentence)
        self.reason = reason


class TokenError(TrustError):
    """The security module refuses or is not there."""

    def __init__(self, reason: TokenReason, sentence: str) -> None:
        """Keep ``reason`` for programs and ``sentence`` for people."""
        super().__init__(sentence)
        self.reason = reason


class TunnelError(TrustError):
    """A tunnel does not open, breaks or ends."""

    def __init__(self, reason: TunnelReason, sentence: str) -> None:
        """Keep ``reason`` for programs and ``sentence`` for people."""
        super().__init__(sentence)
        self.reason = reason


class IssueError(TrustError):
    """The certification authority refuses."""

    def __init__(self, reason: IssueReason, sentence: str) -> None:
        """Keep ``reason`` for programs and ``sentence`` for people."""
        super().__init__(sentence)
        self.reason = reason
