"""Steps 5 to 7 of verification: signatures up to the root, validity of every level, revocation lists of every level."""

import base64
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtensionOID
from hypothesis import example, given
from hypothesis import strategies as st

from pki.certificates import MAXIMUM_LINKS, Purpose, Role, TrustStore, fingerprint, load_certificate
from pki.errors import CertificateError
from pki.errors import CertificateReason as Reason
from pki.issue import Issuer
from pki.revoke import Revocation, build_crl
from testbed.small_pki import NOW, Holder, SmallPki
from tests.pki import forge
from tests.pki.test_certificates import reason_of

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def emt(small_pki: SmallPki) -> Holder:
    return small_pki.holder(Role.EMT, Purpose.SIG)


def store(
    pki: SmallPki,
    *crls: x509.CertificateRevocationList,
    roots: list[x509.Certificate] | None = None,
    intermediates: list[x509.Certificate] | None = None,
) -> TrustStore:
    return TrustStore(
        [pki.hierarchy.root.certificate] if roots is None else roots,
        [pki.hierarchy.sub_ca.certificate] if intermediates is None else intermediates,
        crls or pki.crls(),
    )


def under(pki: SmallPki, sub_ca: x509.Certificate, key: ec.EllipticCurvePrivateKey, emt: Holder) -> TrustStore:
    """A store whose sub-CA is ``sub_ca``, with lists of its own."""
    root_crl = pki.crls()[0]
    crl = build_crl(Issuer(sub_ca, key), [], number=1, now=NOW, days=7)
    return TrustStore([pki.hierarchy.root.certificate], [sub_ca], [root_crl, crl])


# 5. The chain.


def test_authorities_that_sign_one_another_are_given_up(small_pki: SmallPki, emt: Holder) -> None:
    """A file from somebody else may hold as many as it likes: ways through them are not followed without end."""
    sub_ca, key = small_pki.hierarchy.sub_ca.certificate, small_pki.hierarchy.sub_ca.key
    mark = x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
    circle = [
        forge.rebuild(
            sub_ca, key, issuer=sub_ca.subject, begin=sub_ca.not_valid_before_utc + DAY * number / 100,
            replace=((mark, False), (x509.BasicConstraints(ca=True, path_length=None), True)),
        )
        for number in range(12)
    ]  # fmt: skip
    tried = []

    class Counting(TrustStore):
        def _check_link(self, certificate: x509.Certificate, issuer: x509.Certificate, below: int) -> None:
            tried.append(issuer)
            super()._check_link(certificate, issuer, below)

    reason_of(Counting([small_pki.hierarchy.root.certificate], circle, small_pki.crls()), emt.certificate)
    assert len(tried) == MAXIMUM_LINKS


def test_self_signed(small_pki: SmallPki, emt: Holder) -> None:
    forged = forge.rebuild(emt.certificate, emt.key, issuer=emt.certificate.subject)
    assert reason_of(small_pki.trust(), forged) is Reason.UNKNOWN_ISSUER


def test_signed_by_another_hierarchy_of_the_same_names(small_pki: SmallPki) -> None:
    other = SmallPki(seed=2)
    assert reason_of(small_pki.trust(), other.holder(Role.EMT, Purpose.SIG).certificate) is Reason.UNKNOWN_ISSUER


def test_signed_by_another_key_that_claims_to_be_the_sub_ca(small_pki: SmallPki, emt: Holder) -> None:
    stranger = ec.generate_private_key(ec.BrainpoolP384R1())
    assert reason_of(small_pki.trust(), forge.rebuild(emt.certificate, stranger)) is Reason.BAD_SIGNATURE


def test_tampered(small_pki: SmallPki, emt: Holder) -> None:
    position = emt.certificate.public_bytes(Encoding.DER).index(emt.certificate.signature) + 40
    assert reason_of(small_pki.trust(), forge.flip_bit(emt.certificate, position)) is Reason.BAD_SIGNATURE


def test_no_sub_ca_or_no_root(small_pki: SmallPki, emt: Holder) -> None:
    assert reason_of(store(small_pki, intermediates=[]), emt.certificate) is Reason.UNKNOWN_ISSUER
    assert reason_of(store(small_pki, roots=[]), emt.certificate) is Reason.UNKNOWN_ISSUER


def test_a_root_does_not_certify_end_users(small_pki: SmallPki, emt: Holder) -> None:
    root = small_pki.hierarchy.root
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(root.certificate.public_key())  # type: ignore[arg-type]
    forged = forge.rebuild(emt.certificate, root.key, issuer=root.certificate.subject, replace=((authority, False),))
    assert reason_of(small_pki.trust(), forged) is Reason.UNKNOWN_ISSUER


def test_a_root_that_did_not_sign_itself(small_pki: SmallPki, emt: Holder) -> None:
    root = small_pki.hierarchy.root.certificate
    forged = forge.rebuild(root, ec.generate_private_key(ec.BrainpoolP512R1()))
    assert reason_of(store(small_pki, roots=[forged]), emt.certificate) is Reason.BAD_SIGNATURE


def test_sub_ca_that_the_root_did_not_sign(small_pki: SmallPki, emt: Holder) -> None:
    sub_ca = small_pki.hierarchy.sub_ca
    forged = forge.rebuild(sub_ca.certificate, ec.generate_private_key(ec.BrainpoolP512R1()))
    assert reason_of(under(small_pki, forged, sub_ca.key, emt), emt.certificate) is Reason.BAD_SIGNATURE


def test_sub_ca_without_certificate_signing(small_pki: SmallPki, emt: Holder) -> None:
    sub_ca = small_pki.hierarchy.sub_ca
    names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    usage = x509.KeyUsage(
        **dict.fromkeys(names, False), key_cert_sign=False, crl_sign=True, encipher_only=False, decipher_only=False
    )
    forged = forge.rebuild(sub_ca.certificate, small_pki.hierarchy.root.key, replace=((usage, True),))
    assert reason_of(under(small_pki, forged, sub_ca.key, emt), emt.certificate) is Reason.WRONG_PURPOSE


@pytest.mark.parametrize("constraints", [x509.BasicConstraints(ca=False, path_length=None), None])
def test_sub_ca_that_is_no_ca(small_pki: SmallPki, emt: Holder, constraints: x509.BasicConstraints | None) -> None:
    sub_ca = small_pki.hierarchy.sub_ca
    forged = forge.rebuild(
        sub_ca.certificate,
        small_pki.hierarchy.root.key,
        drop=() if constraints else (ExtensionOID.BASIC_CONSTRAINTS,),
        replace=((constraints, True),) if constraints else (),
    )
    assert reason_of(under(small_pki, forged, sub_ca.key, emt), emt.certificate) is Reason.PROFILE


@pytest.mark.parametrize("deviation", ["criticality", "hash"])
def test_sub_ca_that_is_not_of_the_profile(small_pki: SmallPki, emt: Holder, deviation: str) -> None:
    sub_ca = small_pki.hierarchy.sub_ca
    forged = forge.rebuild(
        sub_ca.certificate,
        small_pki.hierarchy.root.key,
        replace=((x509.BasicConstraints(ca=True, path_length=0), False),) if deviation == "criticality" else (),
        algorithm=hashes.SHA224() if deviation == "hash" else hashes.SHA512(),
    )
    assert reason_of(under(small_pki, forged, sub_ca.key, emt), emt.certificate) is Reason.PROFILE


def test_an_end_user_certifies_nobody(small_pki: SmallPki, emt: Holder) -> None:
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(emt.key.public_key())
    forged = forge.rebuild(emt.certificate, emt.key, issuer=emt.certificate.subject, replace=((authority, False),))
    trust = store(small_pki, intermediates=[small_pki.hierarchy.sub_ca.certificate, emt.certificate])
    assert reason_of(trust, forged) is Reason.PROFILE


def test_path_length(small_pki: SmallPki, emt: Holder) -> None:
    """A sub-CA below the sub-CA (path length 0): every signature holds, but it must not be there."""
    sub_ca = small_pki.hierarchy.sub_ca
    key = ec.generate_private_key(ec.BrainpoolP384R1())
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(sub_ca.certificate.public_key())  # type: ignore[arg-type]
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    below = forge.rebuild(
        sub_ca.certificate,
        sub_ca.key,
        issuer=sub_ca.certificate.subject,
        public_key=key.public_key(),
        replace=((authority, False), (identifier, False)),
    )
    own = x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
    forged = forge.rebuild(emt.certificate, key, replace=((own, False),))
    crl = build_crl(Issuer(below, key), [], number=1, now=NOW, days=7)
    trust = store(small_pki, *small_pki.crls(), crl, intermediates=[sub_ca.certificate, below])
    assert reason_of(trust, forged) is Reason.PROFILE


# 6. Validity of every level.


@pytest.mark.parametrize(
    ("at", "reason"),
    [(NOW - timedelta(seconds=1), Reason.NOT_YET_VALID), (NOW + timedelta(days=731), Reason.EXPIRED)],
)
def test_validity_of_the_certificate(small_pki: SmallPki, emt: Holder, at: datetime, reason: Reason) -> None:
    trust = small_pki.trust()
    small = {"role": Role.EMT, "purpose": Purpose.SIG, "pinned": {fingerprint(emt.certificate)}}
    trust.verify(emt.certificate, at=NOW, **small)  # type: ignore[arg-type]
    assert reason_of(trust, emt.certificate, at=at) is reason


@pytest.mark.parametrize("level", ["root", "sub_ca"])
@pytest.mark.parametrize("reason", [Reason.NOT_YET_VALID, Reason.EXPIRED])
def test_validity_of_the_levels_above(small_pki: SmallPki, emt: Holder, level: str, reason: Reason) -> None:
    hierarchy = small_pki.hierarchy
    begin, end = (NOW + DAY, NOW + 2 * DAY) if reason is Reason.NOT_YET_VALID else (NOW - 2 * DAY, NOW - DAY)
    certificate = getattr(hierarchy, level).certificate
    forged = forge.rebuild(certificate, hierarchy.root.key, begin=begin, end=end)
    trust = store(small_pki, **{"roots" if level == "root" else "intermediates": [forged]})
    assert reason_of(trust, emt.certificate) is reason


def test_the_last_second_is_valid(small_pki: SmallPki, emt: Holder) -> None:
    end = emt.certificate.not_valid_after_utc
    trust = TrustStore(
        [small_pki.hierarchy.root.certificate],
        [small_pki.hierarchy.sub_ca.certificate],
        small_pki.crls(now=end - DAY),
    )
    for _ in range(2):
        trust.verify(emt.certificate, role=Role.EMT, purpose=Purpose.SIG, at=end, pinned={fingerprint(emt.certificate)})
    assert reason_of(trust, emt.certificate, at=end + timedelta(seconds=1)) is Reason.EXPIRED


# 7. Revocation lists of every level.


def test_revoked(small_pki: SmallPki, emt: Holder) -> None:
    gone = Revocation(emt.certificate.serial_number, NOW, "key-compromise")
    assert reason_of(small_pki.trust(sub_ca=(gone,)), emt.certificate) is Reason.REVOKED
    sub_ca = Revocation(small_pki.hierarchy.sub_ca.certificate.serial_number, NOW)
    assert reason_of(store(small_pki, *small_pki.crls(root=(sub_ca,))), emt.certificate) is Reason.REVOKED


@pytest.mark.parametrize("missing", [0, 1])
def test_crl_missing(small_pki: SmallPki, emt: Holder, missing: int) -> None:
    crls = small_pki.crls()
    del crls[missing]
    assert reason_of(store(small_pki, *crls), emt.certificate) is Reason.CRL_MISSING


@pytest.mark.parametrize(("days", "level"), [(-8, "sub-CA"), (-31, "root"), (1, "future")])
def test_crl_stale(small_pki: SmallPki, emt: Holder, days: int, level: str) -> None:
    fresh, other = small_pki.crls(), small_pki.crls(now=NOW + timedelta(days=days))
    crls = [other[0], fresh[1]] if level == "root" else [fresh[0], other[1]]
    assert reason_of(store(small_pki, *crls), emt.certificate) is Reason.CRL_STALE


def test_crl_goes_stale_after_a_proof_was_remembered(small_pki: SmallPki, emt: Holder) -> None:
    trust = small_pki.trust()
    pinned = {fingerprint(emt.certificate)}
    next_update = NOW + timedelta(days=7)
    for at in (NOW, next_update - timedelta(seconds=1)):
        trust.verify(emt.certificate, role=Role.EMT, purpose=Purpose.SIG, at=at, pinned=pinned)
    for at in (next_update, next_update + DAY):
        assert reason_of(trust, emt.certificate, at=at) is Reason.CRL_STALE


def test_crl_signed_by_another(small_pki: SmallPki, emt: Holder) -> None:
    sub_ca = small_pki.hierarchy.sub_ca
    stranger = Issuer(sub_ca.certificate, ec.generate_private_key(ec.BrainpoolP384R1()))
    forged = build_crl(stranger, [], number=9, now=NOW, days=7)
    assert reason_of(store(small_pki, small_pki.crls()[0], forged), emt.certificate) is Reason.BAD_SIGNATURE


def test_a_forged_newer_list_does_not_displace_the_real_one(small_pki: SmallPki, emt: Holder) -> None:
    sub_ca = small_pki.hierarchy.sub_ca
    gone = Revocation(emt.certificate.serial_number, NOW)
    stranger = Issuer(sub_ca.certificate, ec.generate_private_key(ec.BrainpoolP384R1()))
    forged = build_crl(stranger, [], number=9, now=NOW + timedelta(hours=1), days=7)
    at = NOW + timedelta(hours=2)
    assert (
        reason_of(store(small_pki, *small_pki.crls(sub_ca=(gone,)), forged), emt.certificate, at=at) is Reason.REVOKED
    )


def test_an_older_list_that_is_still_fresh_does_not_bring_a_revoked_one_back(small_pki: SmallPki, emt: Holder) -> None:
    gone = Revocation(emt.certificate.serial_number, NOW)
    later = small_pki.crls(sub_ca=(gone,), now=NOW + timedelta(hours=1))
    for crls in ([*small_pki.crls(), *later], [*later, *small_pki.crls()]):
        assert reason_of(store(small_pki, *crls), emt.certificate, at=NOW + timedelta(hours=2)) is Reason.REVOKED


@pytest.mark.parametrize(
    "extension",
    [
        (x509.DeltaCRLIndicator(1), True),
        (x509.IssuingDistributionPoint(None, None, True, False, None, False, False), True),
    ],
    ids=["delta", "end users only"],
)
def test_a_list_that_covers_only_a_part(
    small_pki: SmallPki, emt: Holder, extension: tuple[x509.ExtensionType, bool]
) -> None:
    partial = forge.crl(small_pki.hierarchy.sub_ca, NOW, NOW + DAY, extension)
    assert reason_of(store(small_pki, small_pki.crls()[0], partial), emt.certificate) is Reason.PROFILE


# The trust folder, time, and the law of one error.


def test_from_folder(small_pki: SmallPki, emt: Holder, tmp_path: Path) -> None:
    with pytest.raises(CertificateError) as caught:
        TrustStore.from_folder(tmp_path)
    assert caught.value.reason is Reason.UNKNOWN_ISSUER
    trust = small_pki.trust()
    (tmp_path / "all.pem").write_bytes(b"".join(c.public_bytes(Encoding.PEM) for c in trust.authorities))
    for number, crl in enumerate(trust.crls):
        (tmp_path / f"{number}.crl").write_bytes(crl.public_bytes(Encoding.PEM))
    loaded = TrustStore.from_folder(tmp_path)
    assert (set(loaded.authorities), list(loaded.crls)) == (set(trust.authorities), list(trust.crls))
    pinned = {fingerprint(emt.certificate)}
    assert loaded.verify(emt.certificate, role=Role.EMT, purpose=Purpose.SIG, at=NOW, pinned=pinned).identity == "Netz"
    (tmp_path / "1.crl").write_bytes(b"garbage")
    with pytest.raises(CertificateError) as caught:
        TrustStore.from_folder(tmp_path)
    assert caught.value.reason is Reason.MALFORMED


def test_a_moment_without_time_zone_is_a_programming_error(small_pki: SmallPki, emt: Holder) -> None:
    with pytest.raises(RuntimeError):
        reason_of(small_pki.trust(), emt.certificate, at=NOW.replace(tzinfo=None))


@pytest.mark.filterwarnings("ignore")  # the parser warns of a serial below one and of names of a forbidden length
@given(position=st.integers(0, 2000), octet=st.integers(1, 255))
@example(position=12, octet=1).via("an unknown version of X.509")
@example(position=691, octet=1).via("unused bits announced in front of the signature")
def test_one_changed_octet_is_refused_and_with_our_error(
    small_pki: SmallPki, emt: Holder, position: int, octet: int
) -> None:
    der = bytearray(emt.certificate.public_bytes(Encoding.DER))
    der[position % len(der)] ^= octet
    try:
        certificate = load_certificate(bytes(der))
    except CertificateError:
        return
    trust = small_pki.trust()
    with pytest.raises(CertificateError):
        trust.verify(certificate, role=Role.EMT, purpose=Purpose.SIG, at=NOW, pinned={fingerprint(certificate)})


def test_a_folder_with_a_list_of_nobody_who_can_be_read(small_pki: SmallPki, tmp_path: Path) -> None:
    (tmp_path / "root.pem").write_bytes(small_pki.hierarchy.root.certificate.public_bytes(Encoding.PEM))
    der = bytearray(small_pki.crls()[1].public_bytes(Encoding.DER))
    der[der.index(bytes.fromhex("060355040a")) + 5] = 0x0D  # The organisation as a RELATIVE-OID.
    pem = b"-----BEGIN X509 CRL-----\n" + base64.encodebytes(bytes(der)) + b"-----END X509 CRL-----\n"
    (tmp_path / "sub.crl").write_bytes(pem)
    with pytest.raises(CertificateError) as caught:
        TrustStore.from_folder(tmp_path)
    assert caught.value.reason is Reason.MALFORMED
