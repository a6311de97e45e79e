"""What a proof is put together from; that it proves something is tested with a real house (test_export_source.py)."""

from datetime import timedelta

import pytest
from cryptography import x509

from pki.errors import CertificateError, CertificateReason, TokenError, TokenReason
from proof import bundle
from proof.bundle import Bundle, Derived
from proof.errors import IntegrityReason, LogIntegrityError
from smgw.han import export_proof
from smgw.han.export_lists import lists
from smgw.han.export_proof import proof
from smgw.han.port import HanError, HanReason
from tests.smgw.access.cases import GATEWAY, SECOND_METER, at, reading
from tests.smgw.han.takeaway import AT, TinySource, certificate
from tests.wire.ar2418 import files

NOON = at("12:00:00")
PERIOD = int(NOON.timestamp()), int((NOON + timedelta(hours=1)).timestamp())
READINGS = [reading(NOON + timedelta(seconds=3), 7, status=2**63 + 1), reading(NOON, 8, device=SECOND_METER)]
LATER, EARLIER = (Derived(name, 1, "grid", 1, NOON, NOON, (reading(NOON, 9),)) for name in ("b", "a"))


def made(source: TinySource, *derived: Derived) -> Bundle:
    return Bundle.from_bytes(proof(source, lists(source, *PERIOD), derived, AT, PERIOD))


def refused(source: TinySource) -> HanReason:
    with pytest.raises(HanError) as refusal:
        made(source)
    return refusal.value.reason


def test_all_that_is_under_a_signature_is_in_it() -> None:
    """FCO_NRO.2: each reading comes out as it was signed."""
    found = made(TinySource(READINGS), LATER, EARLIER)
    assert sorted((signed for one in found.measured for signed in one.readings()), key=str) == sorted(READINGS, key=str)
    assert found.derived == (EARLIER, LATER)
    assert (found.gateway, found.consumer, found.exported_at) == (GATEWAY, "house", AT)
    assert (int(found.begin.timestamp()), int(found.end.timestamp())) == PERIOD


def test_what_leads_to_the_root_is_in_it_and_no_root() -> None:
    found = made(TinySource(READINGS))
    assert len(found.certificates) == len(found.authorities) == 1
    assert len(found.revocation_lists) == 2
    # One that leads to no root of ours proves nothing.
    source = TinySource(READINGS, held=[x509.load_der_x509_certificate(files.certificate()), certificate()])
    assert made(source).certificates == found.certificates


def test_without_a_checkpoint_there_is_a_proof_without_a_log() -> None:
    assert made(TinySource(READINGS)).log is None


@pytest.mark.parametrize(
    "error",
    [
        LogIntegrityError(IntegrityReason.ALTERED, "record 7 was altered"),
        CertificateError(CertificateReason.EXPIRED, "expired"),
        TokenError(TokenReason.LOST, "lost"),
    ],
)
def test_a_log_that_proves_nothing_is_said_and_not_left_out(error: Exception) -> None:
    assert refused(TinySource(READINGS, log_error=error)) is HanReason.NOT_NOW


def test_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "MAXIMUM_BYTES", 100)
    assert refused(TinySource(READINGS)) is HanReason.TOO_MUCH
    monkeypatch.undo()
    monkeypatch.setattr(export_proof, "MAXIMUM_READINGS", 1)
    assert refused(TinySource(READINGS)) is HanReason.TOO_MUCH
