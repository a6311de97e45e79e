"""Each check with the fault that it is there for; the keys are software keys here, a token's are in test_renewal."""

import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from pki.certificates import Purpose, Role, TrustStore
from pki.errors import TokenError, TokenReason
from pki.revoke import Revocation
from smgw.administration.errors import CommandRefusedError
from smgw.identity import Identity, OwnCertificates
from smgw.secure_states import Condition, Conditions
from smgw.self_test import (
    AGAIN_SECONDS,
    FINDS,
    LOCK_OUT,
    MINIMUM_FREE,
    PERIOD_SECONDS,
    Check,
    CheckName,
    SelfTest,
    SelfTestPorts,
    SelfTestReason,
)
from smgw.store.database import DATABASE_NAME, Database
from smgw.store.logs import Event, Outcome, SystemLog
from smgw.store.readings import ReadingStore
from testbed.small_pki import NOW, SmallPki
from tests.smgw.store import samples
from tests.smgw.store.samples import GATEWAY
from wire.orders import RunSelfTest

PKI = SmallPki()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with some hundred pages, closed."""
    folder = tmp_path_factory.mktemp("written")
    with closing(samples.open_database(folder)) as opened:
        readings = ReadingStore(opened)
        for number in range(200):
            readings.record(samples.reading(number), samples.decision())
    return folder


@pytest.fixture
def database(tmp_path: Path, written: Path) -> Iterator[Database]:
    shutil.copytree(written, tmp_path, dirs_exist_ok=True)
    with closing(samples.open_database(tmp_path, create=False)) as opened:
        yield opened


def identity(generation: int = 1, *, seal: bool = False) -> Identity:
    holders = {purpose: PKI.holder(Role.SMGW, purpose, GATEWAY.text, seal=seal) for purpose in Purpose}
    own = {purpose: PKI.verified(holder, Role.SMGW, purpose, seal=True) for purpose, holder in holders.items()}
    keys = {purpose: holder.key for purpose, holder in holders.items()}
    return Identity(GATEWAY, generation, OwnCertificates(own), keys, {})


@pytest.fixture
def ports(tmp_path: Path, database: Database) -> SelfTestPorts:
    held = identity()
    return SelfTestPorts(
        store=tmp_path,
        database=database,
        identity=lambda: held,
        trust=PKI.trust,
        clock_valid=lambda _: True,
        program=lambda: "ab" * 32,
        installed=lambda: "ab" * 32,
        free=lambda _: MINIMUM_FREE,
    )


def failed(ports: SelfTestPorts, at: datetime = NOW) -> list[CheckName]:
    """The names of the failed checks; each has a sentence, and the log says the same."""
    log = SystemLog(ports.database)
    checks = SelfTest(ports, log).run(at)
    assert [check.name for check in checks] == list(CheckName), "every check is made, whatever the others say"
    assert all(check.passed is (not check.detail) for check in checks)
    names = [check.name for check in checks if not check.passed]
    entry = log.entries()[-1]
    assert (entry.event, entry.subject, entry.parameters) == (
        Event.SELF_TEST,
        GATEWAY.text,
        {"failed": " ".join(names)},
    )
    assert entry.outcome is (Outcome.FAILURE if names else Outcome.SUCCESS)
    return names


def test_a_sound_gateway_passes(ports: SelfTestPorts) -> None:
    assert failed(ports) == []
    assert failed(replace(ports, identity=lambda: identity(seal=True))) == []


def test_an_altered_page_is_found(tmp_path: Path, ports: SelfTestPorts) -> None:
    """FDP_SDI.2: also one that nobody asks for."""
    with ports.database.write() as connection:
        connection.exec_driver_sql("SELECT 1")
    ports.database.close()  # the WAL goes into the file
    path = tmp_path / DATABASE_NAME
    content = bytearray(path.read_bytes())
    # A page of readings in the middle of the file, which no other query of this test needs.
    content[len(content) // 4096 // 2 * 4096 + 100] ^= 1
    path.write_bytes(content)
    (check,) = [one for one in SelfTest(ports, _Silent(ports.database)).run(NOW) if one.name is CheckName.DATABASE]
    assert check.detail == "1 pages of the database were altered"


class _Silent(SystemLog):
    """A log whose pages may be the altered ones."""

    def record_for(self, *arguments: object, **named: object) -> None:
        """Nothing."""


def test_a_damaged_structure_is_found(ports: SelfTestPorts) -> None:
    """FDP_SDI.2: also where every page is as it was written."""
    with ports.database.write() as connection:
        connection.exec_driver_sql("PRAGMA ignore_check_constraints = ON")
        connection.exec_driver_sql(
            "INSERT INTO grants (profile, key, profile_version, party, period_begin, period_end, sequence,"
            " withdrawn_at) VALUES ('grid-1', 'k', 1, 'grid', 0, 1, 1, 1)"
        )
    ports.database.close()
    assert failed_database(ports) == Check(CheckName.DATABASE, False, "the structure of the database is damaged")


def failed_database(ports: SelfTestPorts) -> Check:
    return SelfTest(ports, _Silent(ports.database)).run(NOW)[0]


def test_a_database_that_does_not_answer_fails_and_is_told_all_the_same(tmp_path: Path, ports: SelfTestPorts) -> None:
    ports.database.close()
    for path in tmp_path.glob(f"{DATABASE_NAME}*"):
        path.write_bytes(bytes(8192))
    checks = SelfTest(ports, SystemLog(ports.database)).run(NOW)
    assert [check.name for check in checks if not check.passed] == [CheckName.DATABASE]


@pytest.mark.parametrize("purpose", list(Purpose))
def test_a_key_that_does_not_fit_is_found(ports: SelfTestPorts, purpose: Purpose) -> None:
    held = identity()
    other = PKI.holder(Role.SMGW, purpose, GATEWAY.text).key
    spoiled = replace(held, keys={**held.keys, purpose: other})
    assert failed(replace(ports, identity=lambda: spoiled)) == [CheckName.SECURITY_MODULE]


def test_a_security_module_that_is_gone_is_found(ports: SelfTestPorts, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> None:
        raise TokenError(TokenReason.LOST, "the token does not answer")

    monkeypatch.setattr("smgw.self_test.prove_key", gone)
    assert failed(ports) == [CheckName.SECURITY_MODULE]


def test_certificates_that_are_not_good_are_found(ports: SelfTestPorts) -> None:
    serial = ports.identity().certificates[Purpose.ENC].certificate.serial_number
    revoking: TrustStore = PKI.trust(sub_ca=(Revocation(serial, NOW),))
    assert failed(replace(ports, trust=lambda: revoking)) == [CheckName.CERTIFICATES]
    assert failed(ports, NOW + timedelta(days=8)) == [CheckName.CERTIFICATES], "the revocation lists have ended"
    sealed = identity(2, seal=True)
    assert failed(replace(ports, identity=lambda: sealed)) == [CheckName.CERTIFICATES]


def test_a_full_disk_is_found(ports: SelfTestPorts) -> None:
    assert failed(replace(ports, free=lambda _: MINIMUM_FREE - 1)) == [CheckName.FREE_SPACE]

    def unreadable(_: Path) -> int:
        raise OSError

    assert failed(replace(ports, free=unreadable)) == [CheckName.FREE_SPACE]


def test_the_real_disk_is_asked(ports: SelfTestPorts, tmp_path: Path) -> None:
    asked = SelfTestPorts(
        tmp_path, ports.database, ports.identity, ports.trust, ports.clock_valid, ports.program, ports.installed
    )
    assert asked.free(tmp_path) > 0


def test_a_time_that_is_not_valid_is_found(ports: SelfTestPorts) -> None:
    assert failed(replace(ports, clock_valid=lambda at: at > NOW)) == [CheckName.CLOCK]


@pytest.mark.parametrize("installed", ["cd" * 32, ""])
def test_another_program_is_found(ports: SelfTestPorts, installed: str) -> None:
    assert failed(replace(ports, installed=lambda: installed)) == [CheckName.PROGRAM]


def test_nothing_installed_equals_nothing_found(ports: SelfTestPorts) -> None:
    assert failed(replace(ports, installed=lambda: "", program=lambda: "")) == [CheckName.PROGRAM]


def test_what_others_look_after_is_asked(ports: SelfTestPorts) -> None:
    """FDP_SDI.2, FPT_TST.1: the chains of the logs, the rules between the interfaces, the slots."""
    assert failed(replace(ports, logs=lambda: "broken")) == [CheckName.LOGS]
    assert failed(replace(ports, firewall=lambda: "broken")) == [CheckName.FIREWALL]
    assert failed(replace(ports, update=lambda: "broken")) == [CheckName.UPDATE]


def test_what_cannot_be_tested_was_not_passed(ports: SelfTestPorts) -> None:
    def defect() -> str:
        raise ZeroDivisionError

    assert failed(replace(ports, logs=defect)) == [CheckName.LOGS]


def test_each_failure_is_a_condition_and_what_is_passed_later_is_none(ports: SelfTestPorts) -> None:
    """FPT_TST.1, FPT_FLS.1: something follows from a test that fails, and nothing of it lasts for ever."""
    conditions, wrong = Conditions(), ["gone"]
    spoilt = replace(
        ports,
        free=lambda _: MINIMUM_FREE - len(wrong),
        program=lambda: "ab" * 32 + "".join(wrong),
        logs=lambda: "".join(wrong),
        update=lambda: "".join(wrong),
        firewall=lambda: "".join(wrong),
        clock_valid=lambda _: not wrong,
        trust=lambda: PKI.trust(sub_ca=(Revocation(serial, NOW),)) if wrong else PKI.trust(),
        identity=lambda: spoiled if wrong else held,
    )
    held = identity()
    serial = held.certificates[Purpose.ENC].certificate.serial_number
    spoiled = replace(held, keys={**held.keys, Purpose.SIG: PKI.holder(Role.SMGW, Purpose.SIG, GATEWAY.text).key})
    test = SelfTest(spoilt, SystemLog(ports.database), conditions)
    test.run(NOW)
    assert {one.condition for one in conditions.active} == set(FINDS.values()) - {Condition.DATABASE_DAMAGED}
    assert {one.since for one in conditions.active} == {NOW}
    wrong.clear()
    test.run(NOW + timedelta(days=1))
    assert conditions.active == ()


def test_a_damaged_database_is_a_condition(tmp_path: Path, ports: SelfTestPorts) -> None:
    """FDP_SDI.2, FPT_FLS.1."""
    ports.database.close()
    for path in tmp_path.glob(f"{DATABASE_NAME}*"):
        path.write_bytes(bytes(8192))
    conditions = Conditions()
    SelfTest(ports, SystemLog(ports.database), conditions).run(NOW)
    assert [one.condition for one in conditions.active] == [Condition.DATABASE_DAMAGED]


def test_what_failed_is_tested_again_soon_and_the_whole_every_day(ports: SelfTestPorts) -> None:
    """FPT_TST.1: periodically; FPT_FLS.1: a fault that passes ends its state within minutes."""
    conditions, free, tests = Conditions(), [0], []

    def identified() -> Identity:
        tests.append("whole")
        return held

    held = identity()
    log = SystemLog(ports.database)
    test = SelfTest(
        replace(ports, free=lambda _: free[0], clock_valid=lambda _: False, identity=identified), log, conditions
    )
    test.run(NOW)
    test.step(NOW, 1000.0)
    test.step(NOW, 1000.0 + AGAIN_SECONDS)
    assert [one.condition for one in conditions.active] == [Condition.DISK_FULL]
    entries = [entry for entry in log.entries() if entry.event is Event.SELF_TEST]
    assert [entry.parameters for entry in entries] == [{"failed": "free-space clock"}], "no entry for the same again"
    free[0] = MINIMUM_FREE
    test.step(NOW, 999.0 + 2 * AGAIN_SECONDS)
    assert conditions.active
    test.step(NOW, 1000.0 + 2 * AGAIN_SECONDS)
    assert conditions.active == ()
    entries = [entry for entry in log.entries() if entry.event is Event.SELF_TEST]
    assert [entry.parameters for entry in entries][1:] == [{"failed": "clock"}]
    tests.clear()
    test.step(NOW, 999.0 + PERIOD_SECONDS)
    assert tests == []
    test.step(NOW, 1000.0 + PERIOD_SECONDS)
    assert tests


def test_what_was_put_right_is_tested_at_the_next_look(ports: SelfTestPorts) -> None:
    conditions, good = Conditions(), [False]
    revoked = PKI.trust(sub_ca=(Revocation(ports.identity().certificates[Purpose.ENC].certificate.serial_number, NOW),))
    trusted = replace(ports, trust=lambda: PKI.trust() if good[0] else revoked)
    test = SelfTest(trusted, SystemLog(ports.database), conditions)
    test.run(NOW)
    test.step(NOW, 0.0)
    good[0] = True
    test.step(NOW, 60.0)
    assert [one.condition for one in conditions.active] == [Condition.CERTIFICATES_BAD]
    test.soon()
    test.step(NOW, 120.0)
    assert conditions.active == ()


def test_a_consumer_asks_and_is_locked_out_by_nobody_but_himself(ports: SelfTestPorts) -> None:
    """FPT_TST.1; TR-03109-1, self-test: on request of the consumer, ten minutes apart."""
    log = SystemLog(ports.database)
    test = SelfTest(ports, log)
    test.order(RunSelfTest(), NOW)
    assert all(check.passed for check in test.for_consumer("anna", NOW))
    test.for_consumer("administrator", NOW)
    for who in ("anna", "administrator"):
        assert test.locked_until(who, NOW) == NOW + LOCK_OUT
        with pytest.raises(CommandRefusedError) as refusal:
            test.for_consumer(who, NOW + LOCK_OUT - timedelta(seconds=1))
        assert refusal.value.reason is SelfTestReason.TOO_SOON
    assert test.locked_until("anna", NOW + LOCK_OUT) is None
    assert test.locked_until("bert", NOW) is None
    test.for_consumer("anna", NOW + LOCK_OUT)
    assert {entry.user for entry in log.entries()} == {"administrator", "gateway"}, "who asked is not told to others"
    assert sum(entry.repetition_count + 1 for entry in log.entries() if entry.event is Event.SELF_TEST) == 4


def test_an_order_tells_every_check_and_is_locked_out_for_a_while(ports: SelfTestPorts) -> None:
    tested = SelfTest(replace(ports, clock_valid=lambda _: False), SystemLog(ports.database))
    done = tested.order(RunSelfTest(), NOW)
    checks = done.result["checks"]
    assert isinstance(checks, list)
    assert {"name": "clock", "passed": False, "detail": "the time is not valid"} in checks
    assert len(checks) == len(CheckName)
    assert SystemLog(ports.database).entries()[-1].user == "administrator"
    for early in (NOW, NOW + LOCK_OUT - timedelta(seconds=1), NOW - LOCK_OUT + timedelta(seconds=1)):
        with pytest.raises(CommandRefusedError) as refusal:
            tested.order(RunSelfTest(), early)
        assert refusal.value.reason is SelfTestReason.TOO_SOON
    tested.order(RunSelfTest(), NOW + LOCK_OUT)
    # A clock that was set back by a day does not lock the test out for a day.
    tested.order(RunSelfTest(), NOW - timedelta(days=1))


def test_a_test_that_nobody_ordered_locks_no_order_out(ports: SelfTestPorts) -> None:
    tested = SelfTest(ports, SystemLog(ports.database))
    tested.run(NOW)
    tested.order(RunSelfTest(), NOW + timedelta(minutes=1))
    tested.run(NOW + timedelta(minutes=2))


def test_how_often_is_what_is_demanded() -> None:
    """FPT_TST.1; TR-03109-1, self-test: every 24 hours, and on request ten minutes apart."""
    assert timedelta(seconds=PERIOD_SECONDS) == timedelta(days=1)
    assert timedelta(minutes=10) == LOCK_OUT


def test_a_disk_that_fills_is_found_within_a_minute(ports: SelfTestPorts) -> None:
    """FPT_FLS.1, FPT_TST.1: the room that logs and administration need is not used up until the next daily test."""
    conditions, free, log = Conditions(), [MINIMUM_FREE], SystemLog(ports.database)
    test = SelfTest(replace(ports, free=lambda _: free[0]), log, conditions)
    test.run(NOW)
    test.step(NOW, 0.0)
    for seconds in (60.0, 120.0):
        free[0] = MINIMUM_FREE - int(seconds)
        test.step(NOW, seconds)
        assert [one.condition for one in conditions.active] == [Condition.DISK_FULL]
    free[0] = MINIMUM_FREE
    test.step(NOW, 180.0)
    assert conditions.active, "room that comes and goes changes nothing each minute"
    test.step(NOW, AGAIN_SECONDS)
    assert not conditions.active
    told = [entry.parameters["failed"] for entry in log.entries() if entry.event is Event.SELF_TEST]
    assert told == ["", "free-space"]
