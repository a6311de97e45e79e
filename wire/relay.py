"""A pseudonymous delivery on its way to the administrator: whom it is for, and what only that party can open.

Decides the one form of the document that the gateway signs and the administrator verifies (TR-03109-1, pseudonymous
delivery): a header in canonical JSON, a line feed, the sealed bytes. The header names the final recipient as the
communication profile does and nothing else: who sends it is said by the signature around the document, which the
administrator takes off, and whose values they are is under the seal. So its length is that of the profile and of the
padded content, and tells no more than on the straight way (FPR_CON.1). The TR's own form is not public
(docs/deviations.md).
"""

from dataclasses import dataclass, field
from typing import ClassVar, Self

from wire.errors import RelayError
from wire.profiles import CommunicationProfile, document, fields

MAXIMUM_SEALED_BYTES = 1024 * 1024 + 16384
"""A content document of 1 MiB and the envelope around it."""
_SEPARATOR = b"\n"
"""Canonical JSON has no white space, so the first line feed ends the header, whatever the sealed bytes are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayedDelivery:
    """What a gateway asks its administrator to forward (Weiterleitung pseudonymisierter Daten).

    ``party`` to ``tls_certificate`` (DER) are those of the communication profile, so that the administrator can compare
    them with what he installed. ``sealed`` is an AuthEnvelopedData for the party's encryption certificate, unsigned.
    """

    KIND: ClassVar[str] = "relay"

    party: str
    host: str
    port: int
    path: str
    tls_certificate: bytes
    sealed: bytes = field(repr=False)

    def __post_init__(self) -> None:
        """Check every field. Raises RelayError."""
        with document.refusing(RelayError):
            fields.require_identifier("party", self.party)
            fields.require_host("host", self.host)
            fields.require_port("port", self.port)
            fields.require_path("path", self.path)
            fields.require_certificate("tls_certificate", self.tls_certificate)
        if not 1 <= len(self.sealed) <= MAXIMUM_SEALED_BYTES:
            raise RelayError(f"sealed bytes are 1 to {MAXIMUM_SEALED_BYTES}, not {len(self.sealed)}")

    @classmethod
    def to(cls, communication: CommunicationProfile, sealed: bytes) -> Self:
        """``sealed`` for the party of ``communication``. Raises RelayError."""
        return cls(
            party=communication.id,
            host=communication.host,
            port=communication.port,
            path=communication.path,
            tls_certificate=communication.tls_certificate,
            sealed=sealed,
        )

    def is_for(self, communication: CommunicationProfile) -> bool:
        """Whether it leads exactly where ``communication`` does."""
        return (self.party, self.host, self.port, self.path, self.tls_certificate) == (
            communication.id,
            communication.host,
            communication.port,
            communication.path,
            communication.tls_certificate,
        )

    def to_bytes(self) -> bytes:
        """Header, line feed, sealed bytes. Raises RelayError."""
        with document.refusing(RelayError):
            header = document.write(
                {
                    "kind": self.KIND,
                    "party": self.party,
                    "host": self.host,
                    "port": self.port,
                    "path": self.path,
                    "tls_certificate": document.octets(self.tls_certificate),
                }
            )
        return header + _SEPARATOR + self.sealed

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what :meth:`to_bytes` writes. Raises RelayError."""
        header, _, sealed = data.partition(_SEPARATOR)
        with document.refusing(RelayError):
            taken = document.Fields(document.read(header))
            document.require_kind(taken, cls.KIND)
            delivery = cls(
                party=taken.text("party"),
                host=taken.text("host"),
                port=taken.integer("port"),
                path=taken.text("path"),
                tls_certificate=taken.octets("tls_certificate"),
                sealed=sealed,
            )
            taken.finish()
        return delivery
