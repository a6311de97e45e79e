"""What a gateway must have before it starts, and with which word it does not."""

import copy
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from pki.certificates import Purpose, Role
from pki.errors import CertificateError, CertificateReason, TokenError, TokenReason
from pki.revoke import Revocation
from smgw.clock import ClockEvent
from smgw.composition import KEY_IN_MEMORY, Composed, Environment, compose
from smgw.store.database import KEY_NAME
from smgw.store.errors import StoreError, StoreReason
from smgw.store.logs import Event
from smgw.store.readings import ReadingStore
from tests.smgw.premises import Premises, now
from tests.smgw.store import samples
from tests.softhsm import shared_configuration

pytestmark = pytest.mark.token
_NUMBERS = iter(range(1000))


def make(folder: Path) -> Premises:
    made = Premises(folder, shared_configuration(), f"premises-{next(_NUMBERS)}")
    made.enrol()
    made.hold(made.party(), made.evaluation())
    return made


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Premises:
    """Built once: tokens and certificates take their time."""
    return make(tmp_path_factory.mktemp("built"))


@pytest.fixture
def premises(built: Premises, tmp_path: Path) -> Premises:
    """A gateway that would start: files of its own, the token that all share."""
    copied = copy.copy(built)
    copied.folder = tmp_path / "copy"
    copied.file = copied.folder / built.file.name
    shutil.copytree(built.folder, copied.folder)
    return copied


@contextmanager
def composed(premises: Premises, clock: Callable[[], datetime] = now) -> Iterator[Composed]:
    generator = random.Random(1)
    environment = Environment(clock, lambda: 0.0, generator.randbytes, generator.random)
    with compose(premises.configuration, environment) as one:
        yield one


def test_a_gateway_that_is_good_starts_and_tells_its_status(premises: Premises) -> None:
    with composed(premises) as one:
        one.runtime.start(one.gateway.profiles)
        assert [sender.party for sender in one.runtime.senders] == ["grid"]
        one.runtime.stop()
        status = one.status()
    assert status["gateway"] == "EABC0012345678"
    assert status["deviations"] == []
    assert status["profiles"]["grid-1"] | {"last_error": ""} == {
        "party": "grid", "use_case": "TAF-7", "version": 1, "granted": 0, "owed": 0, "open": 0, "acknowledged": 0,
        "set_aside": 0, "sealed": 0, "duplicates": 0, "failures": 0, "last_error": "",
    }  # fmt: skip


def test_what_is_stored_is_there_after_a_restart(premises: Premises) -> None:
    with composed(premises) as one:
        store = one.gateway._readings
        store.record(samples.reading(0), samples.decision(samples.grant(0)))
    with composed(premises) as one:
        assert isinstance(one.gateway._readings, ReadingStore)
        assert one.gateway._readings.count() == 1
        assert one.status()["profiles"]["grid-1"]["owed"] == 1


def pin_wrong(premises: Premises) -> None:
    (premises.folder / "pin").write_text("9999999999")


def pin_readable(premises: Premises) -> None:
    (premises.folder / "pin").chmod(0o644)


def pin_missing(premises: Premises) -> None:
    (premises.folder / "pin").unlink()


def token_removed(premises: Premises) -> None:
    premises.label = "another-token"
    premises.write_configuration()


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (pin_wrong, TokenReason.PIN_WRONG),
        (pin_readable, TokenReason.PIN_FILE),
        (pin_missing, TokenReason.PIN_FILE),
        (token_removed, TokenReason.NO_TOKEN),
    ],
)
def test_a_security_module_that_is_not_there(
    premises: Premises, spoil: Callable[[Premises], None], reason: TokenReason
) -> None:
    spoil(premises)
    with pytest.raises(TokenError) as refusal, composed(premises):
        pass
    assert refusal.value.reason is reason


def certificate_missing(premises: Premises) -> None:
    (premises.folder / "certificates" / "ENC.pem").unlink()


def certificate_of_another_gateway(premises: Premises) -> None:
    premises.certify("EABC0099999999")


def certificate_of_another_key(premises: Premises) -> None:
    key = ec.generate_private_key(ec.BrainpoolP256R1())
    premises.install(Purpose.SIG, premises.pki.certify(key.public_key(), Role.SMGW, Purpose.SIG, samples.GATEWAY.text))


def certificate_for_another_purpose(premises: Premises) -> None:
    shutil.copy(premises.folder / "certificates" / "SIG.pem", premises.folder / "certificates" / "ENC.pem")


def certificate_of_a_market_participant(premises: Premises) -> None:
    with premises.open_token() as token:
        key = token.key("SIG").public_key()
    premises.install(Purpose.SIG, premises.pki.certify(key, Role.EMT, Purpose.SIG, "Netz"))


def revoked(premises: Premises) -> None:
    own = x509.load_pem_x509_certificate((premises.folder / "certificates" / "TLS.pem").read_bytes())
    premises.write_trust(*premises.pki.crls(sub_ca=(Revocation(own.serial_number, now()),)))


def lists_stale(premises: Premises) -> None:
    premises.write_trust(*premises.pki.crls(now=now() - timedelta(days=60)))


def trust_empty(premises: Premises) -> None:
    shutil.rmtree(premises.folder / "trust")
    (premises.folder / "trust").mkdir()


def administrator_missing(premises: Premises) -> None:
    (premises.folder / "gwa.SIG.pem").unlink()


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (certificate_missing, CertificateReason.MALFORMED),
        (certificate_of_another_gateway, CertificateReason.WRONG_NAME),
        (certificate_of_another_key, CertificateReason.NOT_PINNED),
        (certificate_for_another_purpose, CertificateReason.WRONG_PURPOSE),
        (certificate_of_a_market_participant, CertificateReason.WRONG_ROLE),
        (revoked, CertificateReason.REVOKED),
        (lists_stale, CertificateReason.CRL_STALE),
        (trust_empty, CertificateReason.UNKNOWN_ISSUER),
        (administrator_missing, CertificateReason.MALFORMED),
    ],
)
def test_a_gateway_that_nobody_would_believe(
    premises: Premises, spoil: Callable[[Premises], None], reason: CertificateReason
) -> None:
    spoil(premises)
    with pytest.raises(CertificateError) as refusal, composed(premises):
        pass
    assert refusal.value.reason is reason


def test_a_store_without_its_key_stays_closed(premises: Premises) -> None:
    (premises.folder / "store" / KEY_NAME).unlink()
    with pytest.raises(StoreError) as refusal, composed(premises):
        pass
    assert refusal.value.reason is StoreReason.KEY_MISSING


def test_a_token_that_lost_a_key(tmp_path: Path) -> None:
    premises = make(tmp_path)
    with premises.open_token() as token:
        token.destroy_key("SIG")
    with pytest.raises(TokenError) as refusal, composed(premises):
        pass
    assert refusal.value.reason is TokenReason.KEY_MISSING
    with premises.open_token() as token:
        token.destroy_key("STORAGE")
        token.generate_storage_key("STORAGE")
    with pytest.raises(StoreError) as refused, composed(premises):
        pass
    assert refused.value.reason is StoreReason.KEY_WRONG


def test_a_key_in_process_memory_is_said_loudly(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    memory = 'tunnel = "private-key-in-process-memory"\ntls_key_file = "tls.key"'
    premises = Premises(tmp_path, shared_configuration(), f"premises-{next(_NUMBERS)}", tunnel=memory)
    premises.enrol()
    assert (tmp_path / "tls.key").stat().st_mode & 0o777 == 0o600
    with premises.open_token() as token:
        assert "TLS" not in token.labels()
    with composed(premises) as one:
        assert one.status()["deviations"] == [KEY_IN_MEMORY]
        assert [entry.subject for entry in one.log.entries() if entry.event is Event.GATEWAY_STARTED] == ["wan.tunnel"]
    assert KEY_IN_MEMORY in caplog.text


def test_no_private_key_on_the_disk(premises: Premises) -> None:
    """Outside the token's own folder nothing holds a private key, and the database key is only there wrapped."""
    for path in premises.folder.rglob("*"):
        if path.is_file():
            assert b"PRIVATE KEY" not in path.read_bytes(), path


def test_everything_goes_by_the_gateways_clock_and_asks_its_state(premises: Premises) -> None:
    with composed(premises) as one:
        keeping = one.timekeeping
        clock, sender = keeping.clock, one.runtime._make_sender("grid")
        assert one.environment.clock == one.gateway._clock == clock
        assert one.management._ports.ended == keeping.tunnel_ended
        assert (one.gateway._clock_valid(now()), sender.ports.may_deliver(now())) == (True, True)
        hour = timedelta(hours=1)
        clock.take(ClockEvent.DEVIATED, clock.after(ClockEvent.DEVIATED, hour, corrected=False))
        assert (one.gateway._clock_valid(now()), sender.ports.may_deliver(now())) == (False, False)
        assert one.management._ports.clock() - now() >= hour
        told, owner = one.report.for_administrator(), one.report.for_owner()
        assert told["clock_deviation_seconds"] == 3600
        assert told["clock"] == owner["clock"] == keeping.report()


def test_the_clock_goes_on_after_a_restart(premises: Premises) -> None:
    with composed(premises) as one:
        clock, records = one.timekeeping.clock, one.timekeeping.records
        records.compared(clock.after(ClockEvent.AGREED, timedelta(seconds=20), corrected=True), now(), corrected=True)
    with composed(premises) as one:
        assert timedelta(seconds=19) < one.timekeeping.clock() - now() < timedelta(seconds=22)


def test_a_machine_whose_clock_is_wrong_starts_by_the_clock_that_was_set(premises: Premises) -> None:
    """Its own certificates begin after what the machine takes for now: the store knows by how much it is wrong."""
    behind = timedelta(days=40)

    def machine() -> datetime:
        return now() - behind

    with pytest.raises(CertificateError), composed(premises, machine):
        pass
    with composed(premises) as one:
        clock, records = one.timekeeping.clock, one.timekeeping.records
        records.compared(clock.after(ClockEvent.SET, behind, corrected=True), now(), corrected=True)
    with composed(premises, machine) as one:
        assert abs(one.environment.clock() - now()) < timedelta(seconds=2)
