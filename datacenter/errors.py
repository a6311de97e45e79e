"""What the datacenter says when it will not: one base, one class per kind of trouble, an enum reason per refusal.

A :class:`RefusedError` is about the sender and is final or not by its reason (``datacenter.server`` chooses the HTTP
status in one place); a :class:`StorageError` is about us and always temporary. The two never blur: a full disk must not
make a gateway set its readings aside for good.
"""

from enum import StrEnum


class DatacenterError(Exception):
    """Base of everything that the datacenter raises; never raised itself."""


class ConfigError(DatacenterError):
    """The configuration file, or a file that it names, cannot be used as it stands."""


class StorageError(DatacenterError):
    """The database did not do it (down, disk full, locked): nothing was written, the same request may come again."""


class RefusalReason(StrEnum):
    """Why a delivery was refused; stored, logged and answered, never anything but one of these."""

    TUNNEL_CERTIFICATE = "tunnel-certificate"
    """Step 1: the client certificate of the tunnel is not good now, or pinned for no gateway."""
    TUNNEL_TOO_OLD = "tunnel-too-old"
    """Step 1: the TLS session is open longer than TR-03109-1 permits."""
    MEDIA_TYPE = "media-type"
    TOO_LARGE = "too-large"
    SIGNER_CERTIFICATE = "signer-certificate"
    """Step 3: no signature certificate of this gateway is good now."""
    TRUST_STALE = "trust-stale"
    """Steps 1 and 3: our own revocation lists are missing or out of date, so nobody can be believed."""
    SEAL_MALFORMED = "seal-malformed"
    SEAL_SIGNATURE = "seal-signature"
    UNKNOWN_SIGNER = "unknown-signer"
    NOT_FOR_US = "not-for-us"
    DECRYPTION = "decryption"
    ALGORITHM = "algorithm"
    CONTENT = "content"
    """Step 5: what was sealed is not a content document."""
    FOREIGN_GATEWAY = "foreign-gateway"
    """Step 6: content, tunnel and signer do not name the same gateway."""
    PSEUDONYM = "pseudonym"
    """Step 6: a pseudonymous content from a gateway itself, or one with a gateway's name from an administrator."""
    CONFLICTING_DELIVERY = "conflicting-delivery"
    """Step 7: this sequence number was used for other content."""
    FUTURE = "future"
    """Step 8: a time is ahead of our clock; never final, because waiting makes it good."""
    TOO_OLD = "too-old"
    CONFLICTING_READING = "conflicting-reading"
    """Step 9: another value for the same register and instant is stored already."""


class RefusedError(DatacenterError):
    """A delivery is not accepted, and nothing of it was written.

    ``gateway`` is the identity as far as it was proven when the step refused ("" before that); ``detail`` a short
    fixed word, never text of the sender.
    """

    def __init__(self, reason: RefusalReason, detail: str = "", *, gateway: str = "") -> None:
        """Name the reason; ``detail`` narrows it (the certificate's own reason, for one)."""
        super().__init__(f"{reason.value} {detail}".strip())
        self.reason = reason
        self.detail = detail
        self.gateway = gateway
        self.recorded = False


class InnerSignatureError(DatacenterError):
    """A stored value whose inner signature does not hold under any registered key of its gateway."""
