"""An exported copy proves itself without the gateway, and any change of it is found."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from pki.certificates import Purpose, Role, TrustStore, load_certificate
from pki.errors import CertificateError
from proof.checkpoint import ChainState, Checkpoint, SignedCheckpoint, sign
from proof.entry import GENESIS, Entry
from proof.errors import IntegrityReason, LogIntegrityError
from proof.events import Event, event_named
from proof.log_export import MAXIMUM_BYTES, Export, ExportedLog, grounds, says_to_be_one, verify_export
from testbed.small_pki import SmallPki
from tests.smgw.logs.archive import ANNA, CALIBRATION, SYSTEM, Archive
from tests.smgw.store.samples import GATEWAY
from wire.canonical_json import decode, encode


@pytest.fixture(scope="module")
def pki() -> SmallPki:
    return SmallPki()


@pytest.fixture(scope="module")
def archive(pki: SmallPki, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    archive = Archive(pki, tmp_path_factory.mktemp("archive"), system=10)
    archive.days(9)
    archive.seal()
    yield archive
    archive.close()


@pytest.fixture(scope="module")
def export(archive: Archive) -> Export:
    return archive.export()


def reason(export: Export, pki: SmallPki, gateway: str | None = None) -> IntegrityReason:
    with pytest.raises(LogIntegrityError) as refusal:
        verify_export(export, pki.trust().roots, gateway)
    return refusal.value.reason


def changed(export: Export, entries: list[Entry], index: int = 0) -> Export:
    logs = list(export.logs)
    logs[index] = ExportedLog(logs[index].state, tuple(entries))
    return replace(export, logs=tuple(logs))


def rechained(entries: list[Entry], begin: int) -> list[Entry]:
    """Entries whose hashes fit again from ``begin`` on, as somebody writes them who knows how."""
    fitted = entries[:begin]
    previous = fitted[-1].hash if fitted else entries[0].previous
    for entry in entries[begin:]:
        fitted.append(entry.chained(previous))
        previous = fitted[-1].hash
    return fitted


def test_an_export_is_believed_without_the_gateway(export: Export, pki: SmallPki) -> None:
    """FAU_STG.2: entries, checkpoint and certificates are all that it takes."""
    again = Export.from_bytes(export.to_bytes())
    assert again.to_bytes() == export.to_bytes()
    verified = verify_export(again, pki.trust().roots, GATEWAY.text)
    assert verified.gateway == GATEWAY.text
    assert [(one.log.value, one.unsigned) for one in verified.logs] == [("system", 0), ("calibration", 0)]
    assert verified.logs[0].first > 1  # a ring that went round


def test_every_single_edit_is_found(export: Export, pki: SmallPki) -> None:
    """FAU_STG.2: any field of any entry, with its hash left or made to fit."""
    entries = list(export.logs[0].entries)
    for number, entry in enumerate(entries):
        for edited in (
            replace(entry, subject="another"),
            replace(entry, parameters={**entry.parameters, "party": "else"}),
            replace(entry, seconds_index=entry.seconds_index + 1),
            replace(entry, repetition_counter=entry.repetition_counter + 1),
            replace(entry, user="nobody"),
        ):
            forged = [*entries[:number], edited, *entries[number + 1 :]]
            assert reason(changed(export, forged), pki) is IntegrityReason.ALTERED
            assert reason(changed(export, rechained(forged, number)), pki) is IntegrityReason.ALTERED


def test_every_missing_entry_is_found(export: Export, pki: SmallPki) -> None:
    """FAU_STG.2: a gap, a cut at either end, two that changed places, one twice."""
    for index, entries in enumerate(list(log.entries) for log in export.logs):
        for number in range(1, len(entries) - 1):
            assert reason(changed(export, entries[:number] + entries[number + 1 :], index), pki) is IntegrityReason.GAP
        for count in range(1, len(entries)):
            assert reason(changed(export, entries[count:], index), pki) is IntegrityReason.CUT_START
            assert reason(changed(export, entries[:-count], index), pki) is IntegrityReason.CUT_TAIL
        swapped = [entries[1], entries[0], *entries[2:]]
        assert reason(changed(export, swapped, index), pki) in {IntegrityReason.ORDER, IntegrityReason.GAP}
        assert reason(changed(export, [entries[0], *entries], index), pki) is IntegrityReason.ORDER
        assert reason(changed(export, [], index), pki) is IntegrityReason.CUT_TAIL
        assert reason(changed(export, [*entries, entries[-1].chained(entries[-1].hash)], index), pki)


@pytest.mark.filterwarnings("ignore")  # the parser warns of a serial below one and of names of a forbidden length
@given(data=st.data())
def test_no_single_octet_can_be_changed(export: Export, pki: SmallPki, data: st.DataObject) -> None:
    """FAU_STG.2: whatever octet of the file becomes another, it is not believed."""
    written = export.to_bytes()
    position = data.draw(st.integers(0, len(written) - 1))
    octet = data.draw(st.integers(0, 255).filter(lambda one: one != written[position]))
    with pytest.raises(LogIntegrityError):
        verify_export(
            Export.from_bytes(written[:position] + bytes([octet]) + written[position + 1 :]), pki.trust().roots
        )


@given(noise=st.binary(max_size=200))
def test_only_our_error_escapes(noise: bytes) -> None:
    with pytest.raises(LogIntegrityError):
        Export.from_bytes(noise)


def test_what_came_after_the_checkpoint_is_said_to_be_unsigned(archive: Archive, export: Export, pki: SmallPki) -> None:
    """What no checkpoint covers cannot be proven, and is told."""
    last = export.logs[1].entries[-1]
    forged = replace(last, record_number=last.record_number + 1, subject="anything").chained(last.hash)
    verified = verify_export(changed(export, [*export.logs[1].entries, forged], 1), pki.trust().roots)
    assert [one.unsigned for one in verified.logs] == [0, 1]
    assert archive.identity.gateway == GATEWAY


def test_another_signer_is_not_believed(archive: Archive, export: Export, pki: SmallPki) -> None:
    """Whoever makes his own checkpoint is not this gateway."""
    checkpoint = Checkpoint.from_bytes(export.checkpoint.content)
    states = [log.state for log in export.logs]

    def signed_by(role: Role, purpose: Purpose, name: str, world: SmallPki) -> SignedCheckpoint:
        holder = world.holder(role, purpose, name)
        made = Checkpoint.of(checkpoint.gateway, 1, checkpoint.at, GENESIS, holder.certificate, states)
        return sign(made, holder.certificate, holder.key)

    for forged, expected in (
        (signed_by(Role.SMGW, Purpose.SIG, "EXYZ0012345678", pki), IntegrityReason.GATEWAY),
        (signed_by(Role.SMGW, Purpose.TLS, GATEWAY.text, pki), IntegrityReason.CERTIFICATE),
        (signed_by(Role.GWA, Purpose.SIG, GATEWAY.text, pki), IntegrityReason.CERTIFICATE),
        (signed_by(Role.SMGW, Purpose.SIG, GATEWAY.text, SmallPki(seed=2)), IntegrityReason.CERTIFICATE),
        (replace(export.checkpoint, signature=bytes(64)), IntegrityReason.SIGNATURE),
    ):
        assert reason(replace(export, checkpoint=forged), pki) is expected


def test_the_log_of_another_gateway_is_found(export: Export, pki: SmallPki) -> None:
    assert reason(export, pki, "EXYZ0012345678") is IntegrityReason.GATEWAY


def test_a_checkpoint_speaks_of_its_own_logs_only(archive: Archive, export: Export, pki: SmallPki) -> None:
    """An older checkpoint with a newer log, a state of one's own, no log, the same twice."""
    log = export.logs[0]
    state = ChainState(log.state.log, "", 3, log.state.anchor, log.state.last, log.state.head, 1000)
    assert reason(replace(export, logs=(ExportedLog(state, log.entries),)), pki) is IntegrityReason.CHECKPOINT
    assert reason(replace(export, logs=()), pki) is IntegrityReason.FORM
    assert reason(replace(export, logs=(log, log)), pki) is IntegrityReason.FORM
    archive.happen(Event.CLOCK_SET, "clock", before="b", after="c", deviation_milliseconds=1)
    archive.seal()
    assert reason(replace(archive.export(), checkpoint=export.checkpoint), pki) is IntegrityReason.CHECKPOINT


def test_a_consumers_export_tells_nothing_of_others(archive: Archive, pki: SmallPki) -> None:
    """FAU_SAR.1/CON: only hers; of other logs there are hashes that nobody guesses."""
    written = archive.export([ANNA]).to_bytes()
    assert b"bert" not in written
    (verified,) = verify_export(Export.from_bytes(written), pki.trust().roots).logs
    assert (verified.owner, verified.unsigned) == ("anna", 0)


def test_more_than_what_it_takes_is_no_export(export: Export, pki: SmallPki) -> None:
    assert reason(replace(export, certificates=(*export.certificates, b"\0")), pki) is IntegrityReason.CERTIFICATE
    twice = replace(export, certificates=export.certificates * 2)
    assert reason(twice, pki) is IntegrityReason.FORM
    assert reason(replace(export, revocation_lists=()), pki) is IntegrityReason.CERTIFICATE


def test_both_logs_are_in_it(export: Export, tmp_path: Path) -> None:
    assert [(log.state.log, log.state.owner) for log in export.logs] == [SYSTEM, CALIBRATION]
    file = tmp_path / "export.json"
    file.write_bytes(export.to_bytes())
    assert Export.from_bytes(file.read_bytes()) == Export.from_bytes(export.to_bytes())


def test_a_name_that_is_not_known_here_is_judged_by_its_hash(archive: Archive, export: Export, pki: SmallPki) -> None:
    """FAU_STG.2: a newer gateway may have written it; who made only the hash of the one entry fit has altered it."""
    last = export.logs[0].entries[-1]
    unknown = replace(last, event=event_named("NEVER_HEARD_OF"))
    for entry in (unknown, unknown.chained(last.previous)):
        written = changed(export, [*export.logs[0].entries[:-1], entry]).to_bytes()
        assert reason(Export.from_bytes(written), pki) is IntegrityReason.ALTERED
    states = [replace(export.logs[0].state, head=unknown.chained(last.previous).hash), export.logs[1].state]
    checkpoint = Checkpoint.from_bytes(export.checkpoint.content)
    certificate = load_certificate(export.checkpoint.certificate)
    again = Checkpoint.of(GATEWAY.text, 1, checkpoint.at, GENESIS, certificate, states)
    signed = sign(again, certificate, archive.identity.keys[Purpose.SIG])
    logs = (ExportedLog(states[0], (*export.logs[0].entries[:-1], unknown.chained(last.previous))), export.logs[1])
    newer = Export.from_bytes(replace(export, checkpoint=signed, logs=logs).to_bytes())
    assert verify_export(newer, pki.trust().roots).logs[0].unsigned == 0
    assert newer.logs[0].entries[-1].event.value == "NEVER_HEARD_OF"


@pytest.mark.parametrize(
    ("member", "value"), [("log", "other"), ("level", 6), ("level", 0), ("outcome", 3), ("at", 10**15)]
)
def test_what_no_gateway_knows_was_altered(export: Export, member: str, value: str | int) -> None:
    """FAU_STG.2: also where its own hash was made to fit."""
    document = decode(export.to_bytes(), maximum_bytes=MAXIMUM_BYTES)
    entry: Any = document["logs"][0]["entries"][-1]  # type: ignore[call-overload, index]  # as it is known to be
    entry[member] = value
    for hashed in (False, True):
        if hashed:
            fields = {name: each for name, each in entry.items() if name != "hash"}
            entry["hash"] = hashlib.sha256(encode(fields)).hexdigest()
        written = encode(document, maximum_bytes=MAXIMUM_BYTES)
        assert says_to_be_one(written)
        with pytest.raises(LogIntegrityError) as refusal:
            Export.from_bytes(written)
        assert refusal.value.reason is IntegrityReason.ALTERED


def test_what_does_not_say_that_it_is_an_export_is_told_apart(export: Export) -> None:
    written = export.to_bytes()
    for other in (written[:-1], b"", b"[]", b"{}", b'{"form":"smgw-log-export-2"}', written.replace(b":", b": ", 1)):
        assert not says_to_be_one(other)
    assert says_to_be_one(written)
    assert says_to_be_one(b'{"form":"smgw-log-export-1"}')


def test_authorities_in_a_circle_lead_nowhere(pki: SmallPki) -> None:
    keys = [pki.key(ec.BrainpoolP256R1()) for _ in range(2)]

    def issued(subject: int, issuer: int) -> x509.Certificate:
        below, above = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"CA {one}")]) for one in (subject, issuer))
        builder = x509.CertificateBuilder(above, below, keys[subject].public_key(), subject + 1)
        builder = builder.not_valid_before(pki.now).not_valid_after(pki.now + timedelta(days=1))
        return builder.sign(keys[issuer], hashes.SHA256())

    trust = TrustStore(pki.trust().roots, [issued(0, 1), issued(1, 0)], [])
    with pytest.raises(CertificateError, match="circle"):
        grounds(trust, issued(0, 1))
