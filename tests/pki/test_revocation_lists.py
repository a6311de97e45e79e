"""Lists that are brought to us: proven, all or none, and never an older one than any that was accepted."""

import contextlib
from collections.abc import Callable
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from pki.certificates import Purpose, Role, TrustStore, fingerprint
from pki.errors import CertificateError
from pki.errors import CertificateReason as Reason
from pki.issue import Issuer
from pki.revocation_lists import (
    MAXIMUM_LIST_OCTETS,
    MAXIMUM_LISTS,
    Held,
    HighestNumbers,
    held_lists,
    mark_and_number,
    newer,
    with_lists,
)
from pki.revoke import Revocation, build_crl
from testbed.small_pki import GATEWAY, NOW, SmallPki
from tests.pki import forge

PKI = SmallPki(seed=31)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SUB_CA = PKI.hierarchy.sub_ca
HELD = PKI.trust(number=5)


def der(crl: x509.CertificateRevocationList) -> bytes:
    return crl.public_bytes(Encoding.DER)


def sub_ca_list(number: int, *revoked: x509.Certificate, hours: int = 1) -> bytes:
    gone = [Revocation(certificate.serial_number, NOW) for certificate in revoked]
    return der(build_crl(SUB_CA, gone, number=number, now=NOW + HOUR * hours, days=7))


def refused(
    *lists: bytes, trust: TrustStore = HELD, highest: HighestNumbers | None = None, at: timedelta = DAY
) -> Reason:
    with pytest.raises(CertificateError) as caught:
        newer(trust, lists, NOW + at, highest)
    return caught.value.reason


def test_all_three_authorities_and_what_follows_for_a_certificate() -> None:
    holder = PKI.holder(Role.SMGW, Purpose.TLS, GATEWAY)
    root, _ = PKI.crls(now=NOW + HOUR, number=6)
    lists = (der(root), sub_ca_list(6, holder.certificate), der(PKI.seal_crl(now=NOW + HOUR, number=6)))
    proven = newer(HELD, lists, NOW + DAY)
    assert [name for name, _ in proven] == ["SM-Test-Root.CA", "Testbed.CA", "Testbed-Maker.CA"]
    assert tuple(der(crl) for _, crl in proven) == lists

    def verify(trust: TrustStore) -> None:
        pinned = {fingerprint(holder.certificate)}
        trust.verify(holder.certificate, role=Role.SMGW, purpose=Purpose.TLS, at=NOW + DAY, pinned=pinned)

    verify(HELD)
    after = with_lists(HELD, proven)
    assert (len(after.crls), after.authorities, after.roots) == (3, HELD.authorities, HELD.roots)
    with pytest.raises(CertificateError) as caught:
        verify(after)
    assert caught.value.reason is Reason.REVOKED
    verify(with_lists(HELD, newer(HELD, [lists[0]], NOW + DAY)))


def test_what_is_held_of_each_authority() -> None:
    new = sub_ca_list(6)
    mark, number = mark_and_number(new)
    held = held_lists(TrustStore(HELD.roots, HELD.authorities[1:], [x509.load_der_x509_crl(new), *HELD.crls]))
    assert (number, len(held)) == (6, 3)
    assert held[mark] == Held(6, NOW + HOUR + 7 * DAY)
    assert [each.number for name, each in held.items() if name != mark] == [5, 5]
    assert held_lists(TrustStore(HELD.roots, HELD.authorities[1:], ())) == dict.fromkeys(held, Held(None, None))
    with pytest.raises(CertificateError):
        mark_and_number(new[:-1])


def test_a_list_that_its_authority_did_not_sign_is_not_held() -> None:
    stranger = build_crl(SmallPki(seed=9).hierarchy.sub_ca, (), number=9, now=NOW, days=7)
    assert stranger.issuer == SUB_CA.certificate.subject
    held = held_lists(TrustStore(HELD.roots, HELD.authorities[1:], [stranger]))
    assert set(held.values()) == {Held(None, None)}


def test_an_older_list_never_comes_back() -> None:
    proven = newer(HELD, [sub_ca_list(7)], NOW + DAY)
    after, highest = with_lists(HELD, proven), HighestNumbers().remembering(proven)
    assert refused(sub_ca_list(6), trust=after) is Reason.CRL_OLDER
    assert newer(HELD, [sub_ca_list(6)], NOW + DAY)
    # The folder was put back to what it was last week; the memory was not.
    assert refused(sub_ca_list(6), highest=highest) is Reason.CRL_OLDER
    assert newer(HELD, [sub_ca_list(7)], NOW + DAY, highest)
    assert newer(after, [sub_ca_list(8)], NOW + DAY, highest)
    assert highest.remembering(newer(HELD, [sub_ca_list(6)], NOW + DAY)) == highest


def test_the_same_list_again_is_welcome_and_another_of_its_number_is_not() -> None:
    held = der(HELD.crls[1])
    assert [der(crl) for _, crl in newer(HELD, [held], NOW + DAY)] == [held]
    assert refused(sub_ca_list(5)) is Reason.CRL_OLDER
    assert refused(sub_ca_list(6, hours=-1)) is Reason.CRL_OLDER


def test_each_authority_counts_for_itself() -> None:
    highest = HighestNumbers().remembering(newer(HELD, [sub_ca_list(900)], NOW + DAY))
    assert newer(HELD, [der(PKI.seal_crl(now=NOW + HOUR, number=6))], NOW + DAY, highest)


def test_held_lists_may_be_stale_or_missing() -> None:
    month = timedelta(days=30)
    fresh = der(build_crl(SUB_CA, [], number=6, now=NOW + month, days=7))
    assert newer(HELD, [fresh], NOW + month)
    empty = TrustStore(HELD.roots, HELD.authorities[1:], [])
    assert newer(empty, [fresh], NOW + month)


def test_a_list_that_is_over_or_not_begun() -> None:
    assert refused(sub_ca_list(6), at=timedelta(days=8)) is Reason.CRL_STALE
    assert refused(sub_ca_list(6), at=timedelta()) is Reason.CRL_STALE


def test_all_or_none() -> None:
    assert refused(sub_ca_list(6), sub_ca_list(4)) is Reason.CRL_OLDER
    assert refused(sub_ca_list(6), sub_ca_list(7)) is Reason.MALFORMED
    assert refused() is Reason.MALFORMED
    assert refused(*[sub_ca_list(6)] * (MAXIMUM_LISTS + 1)) is Reason.MALFORMED


def spoiled(change: Callable[[bytearray], None]) -> bytes:
    data = bytearray(sub_ca_list(6))
    change(data)
    return bytes(data)


def test_what_is_no_list_of_an_authority_we_know() -> None:
    assert refused(b"") is Reason.MALFORMED
    assert refused(sub_ca_list(6) + b"\0") is Reason.MALFORMED
    assert refused(b"\0" * (MAXIMUM_LIST_OCTETS + 1)) is Reason.MALFORMED
    assert refused(HELD.crls[1].public_bytes(Encoding.PEM)) is Reason.MALFORMED
    other = SmallPki(seed=32)
    assert refused(der(other.crls(number=6, now=NOW + HOUR)[1])) is Reason.BAD_SIGNATURE
    stranger = Issuer(PKI.holder(Role.EMT, Purpose.SIG).certificate, PKI.key(ec.BrainpoolP256R1()))
    assert refused(der(build_crl(stranger, [], number=6, now=NOW + HOUR, days=7))) is Reason.UNKNOWN_ISSUER
    assert refused(spoiled(lambda data: data.__setitem__(-1, data[-1] ^ 1))) is Reason.BAD_SIGNATURE


def test_an_end_user_signs_no_lists_though_its_certificate_lies_in_the_folder() -> None:
    holder = PKI.holder(Role.EMT, Purpose.SIG)
    trust = TrustStore(HELD.roots, [*HELD.authorities[1:], holder.certificate], HELD.crls)
    forged = der(build_crl(Issuer(holder.certificate, holder.key), [], number=6, now=NOW + HOUR, days=7))
    assert refused(forged, trust=trust) is Reason.PROFILE


def test_a_sub_ca_that_no_root_of_ours_signed_or_that_is_over() -> None:
    key = PKI.key(ec.BrainpoolP384R1())
    crl = der(build_crl(SUB_CA, [], number=6, now=NOW + HOUR, days=7))
    forged = forge.rebuild(SUB_CA.certificate, key)
    assert refused(crl, trust=TrustStore(HELD.roots, [forged], [])) is Reason.BAD_SIGNATURE
    foreign = SmallPki(seed=33).hierarchy.root.certificate
    renamed = forge.rebuild(SUB_CA.certificate, PKI.hierarchy.root.key, issuer=SUB_CA.certificate.subject)
    assert refused(crl, trust=TrustStore([foreign], [renamed], [])) is Reason.UNKNOWN_ISSUER
    over = forge.rebuild(SUB_CA.certificate, PKI.hierarchy.root.key, end=NOW + HOUR)
    assert refused(crl, trust=TrustStore(HELD.roots, [over], [])) is Reason.EXPIRED


def number_of(*extensions: tuple[x509.ExtensionType, bool]) -> bytes:
    return der(forge.crl(SUB_CA, NOW, NOW + timedelta(days=2), *extensions))


def test_number_and_key_identifier_are_needed_and_true() -> None:
    number = (x509.CRLNumber(6), False)
    own = (x509.AuthorityKeyIdentifier.from_issuer_public_key(SUB_CA.key.public_key()), False)
    other = (x509.AuthorityKeyIdentifier.from_issuer_public_key(PKI.seal_ca.key.public_key()), False)
    delta = (x509.DeltaCRLIndicator(5), True)
    assert newer(HELD, [number_of(number, own)], NOW + DAY)
    assert refused(number_of(number)) is refused(number_of(own)) is Reason.MALFORMED
    assert refused(number_of((x509.CRLNumber(1 << 160), False), own)) is Reason.MALFORMED
    assert refused(number_of(number, other)) is Reason.PROFILE
    assert refused(number_of(number, own, delta)) is Reason.PROFILE


def test_a_held_list_without_a_number_or_of_a_stranger_holds_nothing_off() -> None:
    own = (x509.AuthorityKeyIdentifier.from_issuer_public_key(SUB_CA.key.public_key()), False)
    bare = forge.crl(SUB_CA, NOW, NOW + DAY, own)
    planted = build_crl(
        Issuer(SUB_CA.certificate, PKI.key(ec.BrainpoolP384R1())), [], number=999, now=NOW + HOUR, days=7
    )
    trust = TrustStore(HELD.roots, HELD.authorities[1:], [bare, planted])
    assert newer(trust, [sub_ca_list(6)], NOW + DAY)


def test_a_held_list_that_names_no_key_stays_where_it_is() -> None:
    bare = forge.crl(SUB_CA, NOW, NOW + DAY, (x509.CRLNumber(1), False))
    proven = newer(HELD, [sub_ca_list(6)], NOW + DAY)
    assert with_lists(TrustStore(HELD.roots, HELD.authorities[1:], [bare]), proven).crls == (bare, proven[0].crl)


def test_a_moment_has_a_time_zone() -> None:
    with pytest.raises(RuntimeError):
        newer(HELD, [sub_ca_list(6)], (NOW + DAY).replace(tzinfo=None))


@given(st.dictionaries(st.from_regex(r"[0-9a-f]{40}", fullmatch=True), st.integers(0, (1 << 159) - 1), max_size=4))
def test_the_memory_reads_back(numbers: dict[str, int]) -> None:
    memory = HighestNumbers(numbers)
    assert HighestNumbers.from_bytes(memory.to_bytes()) == memory


@given(st.binary() | st.sampled_from([b"{}", b'{"a":"-1"}', b'{"a":"0x1"}', b'{"a":1}', b'{"a":"1_0"}', b'{"a":"A"}']))
def test_a_memory_is_read_in_its_one_spelling_or_not_at_all(data: bytes) -> None:
    with contextlib.suppress(CertificateError):
        assert HighestNumbers.from_bytes(data).to_bytes() == data


def test_a_memory_that_cannot_be_read_is_not_an_empty_one() -> None:
    for data in (b"", b'{"a":"-1"}', b'{"a":"0x1"}', b'{"a":"A"}', b'{"a":1.5}'):
        with pytest.raises(CertificateError) as caught:
            HighestNumbers.from_bytes(data)
        assert caught.value.reason is Reason.MALFORMED


DAMAGED = sub_ca_list(6, SUB_CA.certificate)


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
@given(st.integers(0, len(DAMAGED) - 1), st.integers(1, 255))
def test_a_damaged_list_is_refused_with_our_error(position: int, change: int) -> None:
    data = bytearray(DAMAGED)
    data[position] ^= change
    with pytest.raises(CertificateError):
        newer(HELD, [bytes(data)], NOW + DAY)
