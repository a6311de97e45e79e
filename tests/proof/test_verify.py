"""Every hand that is laid on a proof is found, and said with its reason; nothing is skipped."""

from collections import Counter
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from proof.bundle import Bundle, BundleError
from proof.errors import LogIntegrityError, ProofError
from proof.report import Open, Report
from proof.verify import verify
from testbed.small_pki import NOW
from tests.proof.sample import EXPORTED, HOLE, METER, QUARTER, ROWS, Sample, cases
from tests.smgw.store.samples import GATEWAY

ALL = 2 * (ROWS - 1) + 1
EXPECTED: dict[str, tuple[dict[str, int], str, str]] = {
    "a coarser raster": ({"signature": 10}, "", ""),
    "nothing": ({}, "", ""),
    "value": ({"signature": 1}, "", ""),
    "time": ({"signature": 1}, "", ""),
    "status": ({"signature": 1}, "", ""),
    "signature": ({"signature": 1}, "", ""),
    "the other form of the signature": ({}, "", ""),
    "a reading less": ({}, "", ""),
    "certificate, its signature": ({"bad-signature": 14}, "", ""),
    "certificate, its beginning": ({"signature": 14}, "", ""),
    "authority, its signature": ({"bad-signature": ALL}, "certificate", "bad-signature"),
    "authority, its beginning": ({"unknown-issuer": ALL}, "certificate", "unknown-issuer"),
    "no authority": ({"unknown-issuer": ALL}, "certificate", "unknown-issuer"),
    "list, its signature": ({"bad-signature": ALL}, "certificate", "bad-signature"),
    "no list": ({"crl-missing": ALL}, "certificate", "crl-missing"),
    "old lists": ({"crl-stale": ALL}, "certificate", "crl-stale"),
    "revoked": ({"revoked": 10}, "", ""),
    "key stolen": ({"revoked": 13}, "", ""),
    "revoked for two reasons": ({"crl-missing": ALL}, "certificate", "crl-missing"),
    "a certificate of long ago": ({"bad-signature": 1}, "", ""),
    "expired": ({"expired": 1}, "", ""),
    "not yet valid": ({"not-yet-valid": 1}, "", ""),
    "younger than any list": ({"crl-stale": 1}, "", ""),
    "another gateway": ({"gateway": 1}, "", ""),
    "another purpose": ({"wrong-purpose": 1}, "", ""),
    "quality seal": ({"seal": 1}, "", ""),
    "nobody's certificate": ({"unknown-issuer": 1}, "", ""),
    "log entry": ({}, "altered", ""),
    "log gap": ({}, "gap", ""),
    "log end": ({}, "cut-tail", ""),
    "log start": ({}, "cut-start", ""),
    "log checkpoint": ({}, "signature", ""),
    "log lists": ({}, "certificate", "crl-missing"),
    "log by a stolen key": ({}, "certificate", "revoked"),
    "log of a newer gateway": ({}, "", ""),
    "log with another name": ({}, "altered", ""),
    "log with another name, rehashed": ({}, "altered", ""),
    "log of great length": ({}, "form", ""),
    "log of many authorities": ({}, "form", ""),
    "log later": ({}, "", ""),
    "log of another": ({}, "checkpoint", "consumer"),
    "log of nobody": ({}, "form", ""),
    "no log": ({}, "", ""),
    "a log alone": ({}, "", ""),
    "no such event": ({}, "altered", ""),
    "no such level": ({}, "altered", ""),
    "no such log": ({}, "altered", ""),
    "no such member": ({}, "form", ""),
    "another root": ({"unknown-issuer": ALL}, "certificate", "unknown-issuer"),
    "another root for a log": ({}, "certificate", "unknown-issuer"),
}
REFUSED = {"white space", "cut off", "another form"}


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    return Sample(tmp_path_factory.mktemp("sample"))


@pytest.fixture(scope="module")
def files(sample: Sample) -> dict[str, tuple[bytes, bytes]]:
    return cases(sample)


def checked(file: tuple[bytes, bytes]) -> Report:
    return verify(file[0], x509.load_pem_x509_certificates(file[1]))


def test_every_case_is_expected(files: dict[str, tuple[bytes, bytes]]) -> None:
    assert files.keys() == EXPECTED.keys() | REFUSED


@pytest.mark.parametrize("name", EXPECTED)
def test_what_was_done_is_found(files: dict[str, tuple[bytes, bytes]], name: str) -> None:
    """FCO_NRO.2, FAU_STG.2; PTB-A 50.8, inner signature: each change has its reason, and each reading is counted."""
    report, (readings, reason, detail) = checked(files[name]), EXPECTED[name]
    found: Counter[str] = Counter()
    for each in (*report.measured, *report.derived):
        found.update(each.refused)
    log = report.log
    assert dict(found) == readings
    assert (("", "") if log is None else (log.reason, log.detail)) == (reason, detail)
    assert report.failed == sum(readings.values())
    unreadable = 1 if name in {"authority, its beginning", "revoked for two reasons"} else 0
    assert report.unreadable == unreadable
    assert report.genuine is not bool(readings or reason or unreadable)
    assert sum(each.genuine for each in report.certificates) == report.readings - report.failed


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_has_not_the_form_is_not_checked(files: dict[str, tuple[bytes, bytes]], name: str) -> None:
    with pytest.raises((BundleError, LogIntegrityError, ProofError)):
        checked(files[name])


def test_a_failure_names_meter_register_and_time(files: dict[str, tuple[bytes, bytes]]) -> None:
    (failure,) = checked(files["value"]).measured[1].failures
    assert (failure.device, str(failure.obis), failure.reason) == (METER.text, "1-0:2.8.0*255", "signature")
    assert failure.at == NOW + 8 * QUARTER


def test_what_is_not_proven_is_named(files: dict[str, tuple[bytes, bytes]]) -> None:
    """A hole in a list, the newest entries of a log, a consumer whom no log names."""
    report = checked(files["log later"])
    (gap,) = report.measured[0].gaps
    assert (gap.after, gap.before, gap.missing) == (NOW + (HOLE - 1) * QUARTER, NOW + (HOLE + 1) * QUARTER, 1)
    assert report.measured[0].raster == 900
    assert {Open.MISSING, Open.METER, Open.MOMENT, Open.REVOKED_LATER, Open.AFTER_CHECKPOINT} == {*report.open}
    assert report.log is not None
    assert report.log.logs[0].unsigned > 0
    assert Open.NO_LOG in checked(files["no log"]).open


def test_older_values_in_a_coarser_raster_are_no_holes(sample: Sample) -> None:
    """A day is no hole where days lie; in quarter-hours two holes are two, side by side."""
    first = sample.bundle.measured[0]
    days = [10_000_000 + 86_400 * number + (number == 4) * 3 for number in range(12)]
    quarters = [days[-1] + 900 * number for number in range(1, 30) if number not in {10, 12, 13}]
    rows = tuple(first.rows[0]._replace(at=second) for second in [*days, *quarters])
    made = replace(sample.bundle, measured=(replace(first, rows=rows),), derived=())
    (checked,) = verify(made.to_bytes(), x509.load_pem_x509_certificates(sample.root)).measured
    assert checked.raster == 900
    assert [(int(gap.after.timestamp()) - days[-1], gap.missing) for gap in checked.gaps] == [(8100, 1), (9900, 2)]


def test_whose_it_must_be_is_asked_for(sample: Sample, files: dict[str, tuple[bytes, bytes]]) -> None:
    roots = x509.load_pem_x509_certificates(sample.root)
    for name in ("nothing", "a log alone"):
        assert verify(files[name][0], roots, gateway=GATEWAY.text).genuine
    with pytest.raises(ProofError, match="not of EXYZ0012345678"):
        verify(files["nothing"][0], roots, gateway="EXYZ0012345678")
    report = verify(files["a log alone"][0], roots, gateway="EXYZ0012345678")
    assert report.log is not None
    assert report.log.reason == "gateway"


def test_nothing_is_believed_without_a_root_and_nothing_proves_nothing(sample: Sample) -> None:
    with pytest.raises(ProofError, match="root"):
        verify(sample.bundle.to_bytes(), [])
    whole = sample.pki.hierarchy.root.certificate.public_bytes(Encoding.DER)
    # The parser is lazy: a name in no encoding that there is comes out when somebody asks for it.
    unreadable = x509.load_der_x509_certificate(whole.replace(b"SM-Test-Root.CA", b"\xff" * 15))
    with pytest.raises(ProofError, match="once more"):
        verify(sample.bundle.to_bytes(), [unreadable])
    empty = replace(sample.bundle, measured=(), derived=(), log=None)
    assert not verify(empty.to_bytes(), x509.load_pem_x509_certificates(sample.root)).genuine


def test_the_signer_of_the_log_is_asked_for_in_the_newer_lists_of_the_proof(sample: Sample) -> None:
    """A key that was stolen since the export of the log was made proves nothing in it."""
    signer = x509.load_der_x509_certificate(sample.hers.checkpoint.certificate)
    mine = replace(sample.bundle, certificates=(signer.public_bytes(Encoding.DER),), measured=(), derived=())
    roots = x509.load_pem_x509_certificates(sample.root)
    assert verify(mine.to_bytes(), roots).genuine
    stolen = Bundle.from_bytes(sample.revoked("key-compromise", EXPORTED, signer))
    report = verify(replace(mine, revocation_lists=stolen.revocation_lists).to_bytes(), roots)
    assert report.log is not None
    assert (report.log.reason, report.log.detail) == ("certificate", "revoked")


def test_progress_is_told(files: dict[str, tuple[bytes, bytes]]) -> None:
    told: list[tuple[int, int]] = []
    data, root = files["nothing"]
    verify(data, x509.load_pem_x509_certificates(root), progress=lambda done, whole: told.append((done, whole)))
    assert told == [(ALL, ALL)]


@pytest.mark.filterwarnings("ignore")  # the parser warns of a serial below one and of names of a forbidden length
@given(data=st.data())
def test_whatever_octet_becomes_another_it_is_not_the_same_proof(sample: Sample, data: st.DataObject) -> None:
    """One octet changed anywhere: refused, or a reading or the log does not hold, or a claim says something else."""
    first = sample.bundle.measured[0]
    small = replace(sample.bundle, measured=(replace(first, rows=first.rows[:2]),))
    written = small.to_bytes()
    position = data.draw(st.integers(0, len(written) - 1))
    octet = data.draw(st.integers(0, 255).filter(lambda one: one != written[position]))
    changed = written[:position] + bytes([octet]) + written[position + 1 :]
    roots = x509.load_pem_x509_certificates(sample.root)
    try:
        report = verify(changed, roots)
    except (BundleError, LogIntegrityError, ProofError):
        return
    claims = (b'"begin":', b'"end":', b'"party":', b'"contract":', b'"delivery":', b'"version":', b'"exported_at":')
    if report.genuine and report.to_json() == verify(written, roots).to_json():
        assert any(0 <= position - place < 60 for claim in claims for place in places(written, claim))


def places(data: bytes, wanted: bytes) -> list[int]:
    found, start = [], data.find(wanted)
    while start >= 0:
        found.append(start)
        start = data.find(wanted, start + 1)
    return found
