"""Which revocation lists may take the place of those that are held: proven ones, and never an older one.

Lists are brought to a gateway and never fetched by it (TR-03109-4), so whoever brings them could bring last week's, in
which a certificate is still good. Decides against that by the CRL number, which only counts upwards (RFC 5280 5.2.3):
it must not be lower than that of the list held, nor than the highest that was ever accepted. The latter is
:class:`HighestNumbers`, a small state that the caller keeps beside its lists; it outlives them and any trust store.
Nothing is installed here, and whether a certificate is revoked is for :meth:`pki.certificates.TrustStore.verify`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from pki.certificates import TrustStore
from pki.checks import (
    UNREADABLE,
    check_crl,
    check_profile,
    check_readable,
    check_signature,
    check_validity,
    display_name,
    signed_by,
    subject_key_identifier,
)
from pki.der import SEQUENCE, DerError, Reader
from pki.errors import CertificateError
from pki.errors import CertificateReason as Reason
from pki.profiles import Role, profile_of
from wire import canonical_json
from wire.errors import CanonicalJsonError

MAXIMUM_LISTS: Final = 8
"""A gateway knows a root, its successor and a few sub-CAs; more would be work for a stranger."""
MAXIMUM_LIST_OCTETS: Final = 1 << 20
"""Some 25,000 revocations; an order carries less (wire.orders)."""
_MAXIMUM_NUMBER_BITS: Final = 159
"""RFC 5280 5.2.3: at most twenty octets, and never negative."""


class ProvenList(NamedTuple):
    """A list that passed every step of :func:`newer`; only made there. ``authority`` is the common name of its CA."""

    authority: str
    crl: x509.CertificateRevocationList

    @property
    def number(self) -> int:
        """Its CRL number, which every proven list has."""
        return _number(self.crl)


@dataclass(frozen=True, slots=True)
class HighestNumbers:
    """The highest CRL number that was ever accepted of each authority, by its key identifier (hexadecimal)."""

    numbers: Mapping[str, int] = field(default_factory=dict)

    def remembering(self, lists: Iterable[ProvenList]) -> "HighestNumbers":
        """This memory after ``lists`` were installed; to be kept in the same step as they are."""
        grown = dict(self.numbers)
        for proven in lists:
            mark = _mark(proven.crl)
            grown[mark] = max(proven.number, grown.get(mark, 0))
        return HighestNumbers(grown)

    def outdates(self, crl: x509.CertificateRevocationList) -> bool:
        """Whether a later list of the same authority was accepted; one without a number is older than any that was."""
        try:
            number = _number(crl)
        except (x509.ExtensionNotFound, *UNREADABLE):
            number = -1
        mark = mark_of(crl)
        return mark is not None and number < self.numbers.get(mark, number)

    def to_bytes(self) -> bytes:
        """Canonical JSON; numbers in hexadecimal, because they may have twenty octets."""
        return canonical_json.encode({mark: f"{number:x}" for mark, number in self.numbers.items()})

    @classmethod
    def from_bytes(cls, data: bytes) -> "HighestNumbers":
        """Read what :meth:`to_bytes` wrote.

        Raises:
            CertificateError: MALFORMED; a memory that cannot be read must not pass for an empty one.
        """
        try:
            read = canonical_json.decode(data)
            known = cls({mark: int(str(number), 16) for mark, number in read.items()})
            if known.to_bytes() != data or any(number < 0 for number in known.numbers.values()):
                raise CertificateError(Reason.MALFORMED, "the memory of CRL numbers has another spelling than ours")
        except (CanonicalJsonError, ValueError) as error:
            raise CertificateError(Reason.MALFORMED, f"the memory of CRL numbers cannot be read: {error}") from error
        return known


def newer(
    trust: TrustStore, lists: Sequence[bytes], at: datetime, highest: HighestNumbers | None = None
) -> Sequence[ProvenList]:
    """Prove ``lists`` (DER) at the moment ``at`` (aware), all or none, and return them with their authorities' names.

    1. They are one to :data:`MAXIMUM_LISTS`, of bounded size, each DER in its one spelling.
    2. Each is signed by an authority of ``trust``: a root, or a CA that a root signed and that is valid at ``at``.
    3. Each is complete, of known kind and current at ``at``.
    4. Its number is not lower than that of any held list of the same authority, nor than the ``highest`` remembered;
       one of the same number is the same list, and one of a higher number was not made earlier.
    5. No authority has two.

    What a caller MUST still do: keep ``highest.remembering(result)`` together with the lists.

    Raises:
        CertificateError: with the reason of the first step that fails; CRL_OLDER for the fourth.
    """
    if at.tzinfo is None:
        message = "the moment of verification needs a time zone"
        raise RuntimeError(message)
    # 1. Not too many, of bounded size, each DER in its one spelling.
    if not 0 < len(lists) <= MAXIMUM_LISTS:
        raise CertificateError(Reason.MALFORMED, f"expected are 1 to {MAXIMUM_LISTS} lists, not {len(lists)}")
    proven: dict[str, ProvenList] = {}
    for data in lists:
        crl = _load(data)
        # 2. Signed by an authority of this store.
        issuer = _issuer_of(crl, trust, at)
        # 3. Complete, of known kind and current.
        check_crl(crl, issuer, at)
        if _mark(crl) != (subject_key_identifier(issuer) or b"").hex():
            raise CertificateError(Reason.PROFILE, f"the list of {display_name(issuer)} names another key as its own")
        # 4. Not older than what is held or was ever accepted.
        _check_number(crl, issuer, trust, highest or HighestNumbers())
        # 5. No authority has two.
        if _mark(crl) in proven:
            raise CertificateError(Reason.MALFORMED, f"{display_name(issuer)} has two lists at once")
        name = issuer.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
        proven[_mark(crl)] = ProvenList(str(name), crl)
    return tuple(proven.values())


class Held(NamedTuple):
    """What a store has of one authority: number and end of its newest list, both None without one."""

    number: int | None
    next_update: datetime | None


def held_lists(trust: TrustStore) -> Mapping[str, Held]:
    """Of each authority in ``trust``, by its key identifier (hexadecimal), the list with the highest number.

    Lists that their authority did not sign, or that have no number, are none. Nothing is said about age.
    """
    found: dict[str, Held] = {}
    for authority in trust.authorities:
        mark = (subject_key_identifier(authority) or b"").hex()
        newest = found.get(mark, Held(None, None))
        for crl in trust.crls:
            if crl.issuer != authority.subject or not signed_by(crl, authority):
                continue
            try:
                number, end = _number(crl), crl.next_update_utc
            except (*UNREADABLE, x509.ExtensionNotFound):
                continue
            if newest.number is None or number > newest.number:
                newest = Held(number, end)
        found[mark] = newest
    return found


def mark_and_number(data: bytes) -> tuple[str, int]:
    """The authority's key identifier (hexadecimal) and the number of a list (DER), as it says.

    Raises:
        CertificateError: MALFORMED.
    """
    crl = _load(data)
    return _mark(crl), _number(crl)


def mark_of(crl: x509.CertificateRevocationList) -> str | None:
    """The key identifier of the authority (hexadecimal), as the list says; None where it says none."""
    try:
        return _mark(crl)
    except (*UNREADABLE, x509.ExtensionNotFound):
        return None


def with_lists(trust: TrustStore, lists: Iterable[ProvenList]) -> TrustStore:
    """The store in which ``lists`` have taken the place of those of the same authorities."""
    proven = list(lists)
    replaced = {_mark(each.crl) for each in proven}
    kept = [crl for crl in trust.crls if mark_of(crl) not in replaced]
    sub_cas = trust.authorities[len(trust.roots) :]
    return TrustStore(trust.roots, sub_cas, [*kept, *(each.crl for each in proven)])


def _load(data: bytes) -> x509.CertificateRevocationList:
    if len(data) > MAXIMUM_LIST_OCTETS:
        raise CertificateError(Reason.MALFORMED, f"a revocation list has more than {MAXIMUM_LIST_OCTETS} octets")
    try:
        crl = x509.load_der_x509_crl(data)
        same = crl.public_bytes(Encoding.DER) == data
        number = _number(crl)
        # The parser is lazy: what it would stumble over later is read now, entries included.
        _ = (_mark(crl), crl.issuer, crl.last_update_utc, crl.next_update_utc, crl.signature_hash_algorithm)
        _ = [(entry.serial_number, entry.revocation_date_utc, list(entry.extensions)) for entry in crl]
        # It also passes over a count of unused bits in front of the signature: one list would have several spellings.
        outer = Reader(data).enter(SEQUENCE)
        outer.element(SEQUENCE)
        outer.element(SEQUENCE)
        outer.bit_string_octets()
    except (*UNREADABLE, DerError, x509.ExtensionNotFound) as error:
        raise CertificateError(Reason.MALFORMED, f"not a revocation list with number and issuer: {error}") from error
    if not same or number < 0 or number.bit_length() > _MAXIMUM_NUMBER_BITS:
        raise CertificateError(Reason.MALFORMED, "the revocation list is not DER, or its number is out of bounds")
    return crl


def _issuer_of(crl: x509.CertificateRevocationList, trust: TrustStore, at: datetime) -> x509.Certificate:
    named = [authority for authority in trust.authorities if authority.subject == crl.issuer]
    if not named:
        raise CertificateError(
            Reason.UNKNOWN_ISSUER, f"no authority we know is called {crl.issuer.rfc4514_string()[:80]}"
        )
    for issuer in named:
        if signed_by(crl, issuer):
            _prove(issuer, trust, at)
            return issuer
    raise CertificateError(Reason.BAD_SIGNATURE, f"the revocation list of {display_name(named[0])} is not signed by it")


def _prove(issuer: x509.Certificate, trust: TrustStore, at: datetime) -> None:
    """A root is trusted as it is; any other authority is one only by a root's signature."""
    root = issuer in trust.roots
    check_readable(issuer)
    check_profile(issuer, profile_of(Role.ROOT if root else Role.SUB_CA))
    check_validity(issuer, at)
    if root:
        return
    first: CertificateError | None = None
    for authority in trust.roots:
        if authority.subject != issuer.issuer:
            continue
        try:
            check_signature(issuer, authority)
            check_validity(authority, at)
        except CertificateError as error:
            first = first or error
        else:
            return
    raise first or CertificateError(Reason.UNKNOWN_ISSUER, f"no root we trust stands above {display_name(issuer)}")


def _check_number(
    crl: x509.CertificateRevocationList, issuer: x509.Certificate, trust: TrustStore, highest: HighestNumbers
) -> None:
    number, older = _number(crl), ""
    if number < highest.numbers.get(_mark(crl), 0):
        older = f"number {highest.numbers[_mark(crl)]} was accepted before"
    for held in trust.crls:
        # A held list that its authority did not sign has no word here: it could hold every newer one off.
        if held.issuer != crl.issuer or held == crl or not signed_by(held, issuer):
            continue
        try:
            known = _number(held)
        except (*UNREADABLE, x509.ExtensionNotFound):
            continue  # Without a number it says nothing about age.
        if number <= known:
            older = f"number {known} is held"
        elif crl.last_update_utc < held.last_update_utc:
            older = "the one held was made later"
    if older:
        raise CertificateError(
            Reason.CRL_OLDER, f"the revocation list {number} of {display_name(issuer)} is refused: {older}"
        )


def _number(crl: x509.CertificateRevocationList) -> int:
    return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number


def _mark(crl: x509.CertificateRevocationList) -> str:
    """The key identifier of the authority, as the list says; :func:`newer` compares it with the authority's own."""
    value = crl.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    return (value.key_identifier or b"").hex()
