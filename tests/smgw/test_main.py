"""The command line as a process of its own: start, refuse, deliver, stop."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from pki.errors import CertificateError, CertificateReason, SealError, SealReason, TokenError, TokenReason
from pki.tls import TlsIdentity, server_context
from smgw.__main__ import Exit, _refusals, _run, main
from smgw.composed import Environment
from smgw.composition import compose
from smgw.config import ConfigurationError
from smgw.lmn.port import PortError, PortReason
from smgw.lock import AlreadyRunningError
from smgw.provisioning import ImportReason, ImportRefusedError
from smgw.report import KEY_IN_MEMORY
from smgw.status import StatusError, read_status
from smgw.store.database import Database
from smgw.store.errors import StoreFullError
from smgw.store.logs import Event
from smgw.store.readings import ReadingStore
from smgw.wan.parts import WakeUpPortError
from tests.smgw.premises import GATEWAY, Premises, now, pem
from tests.smgw.store import samples
from tests.smgw.wan.receiver import STORED, TlsReceiver
from tests.softhsm import MODULE, shared_configuration, write_configuration
from tests.typed import Started, mortal, started, typed

pytestmark = pytest.mark.token
ROOT = Path(__file__).parents[2]
STUNNEL = 'tunnel = "stunnel"'
MEMORY = 'tunnel = "private-key-in-process-memory"\ntls_key_file = "tls.key"'
PATIENCE = 90.0
"""A delivery that fails by chance is tried again after ten seconds; the clock is compared within ten of the start."""


def smgw(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return typed("smgw", *words)


def made(folder: Path, tunnel: str, port: int = 1, *, holding: bool = True) -> Premises:
    """Premises whose token ``smgw init`` made; ``holding`` the profiles of a party and of its values."""
    if not MODULE.exists():
        pytest.skip("SoftHSM2 is not installed (apt install softhsm2)")
    premises = Premises(folder, write_configuration(folder), GATEWAY, port, tunnel)
    result = smgw("init", premises.file, "--create-token")
    assert result.returncode == 0, result.stderr
    premises.certify()
    if holding:
        premises.hold(premises.party(), premises.evaluation())
    return premises


@contextmanager
def running(premises: Premises) -> Iterator[Started]:
    """A gateway that runs, until the end of the block or until it ends by itself."""
    process = started("smgw", "run", premises.file, log=premises.folder / "said")
    try:
        wait_for(premises, process, bool)
        yield process
    finally:
        process.kill()


@contextmanager
def running_program(premises: Premises) -> Iterator["subprocess.Popen[str]"]:
    """The same as a program of its own, for who looks at it from outside."""
    process = subprocess.Popen(
        mortal(sys.executable, "-m", "smgw", "run", premises.file), cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    try:
        wait_for(premises, process, bool)
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stderr is not None
        process.stderr.close()


def wait_for(
    premises: Premises, process: "subprocess.Popen[str] | Started", good: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    until = time.monotonic() + PATIENCE
    status: dict[str, Any] = {}
    while time.monotonic() < until:
        if process.poll() is not None:
            pytest.fail(f"the gateway ended: {_said(process)}")
        try:
            status = read_status(premises.folder / "store")
        except StatusError:
            status = {}
        if status and good(status):
            return status
        time.sleep(0.1)
    pytest.fail(f"waited in vain: {status}")


def _said(process: "subprocess.Popen[str] | Started") -> str:
    if isinstance(process, Started):
        return process.said()
    assert process.stderr is not None
    return process.stderr.read()


def test_a_day_in_the_life(tmp_path: Path) -> None:
    premises = made(tmp_path, STUNNEL)
    with running_program(premises) as gateway:
        assert GATEWAY in smgw("status", premises.file).stdout
        second = smgw("run", premises.file)
        assert second.returncode == Exit.RUNNING
        assert "two gateways with the same identity" in second.stderr
        pin = (premises.folder / "pin").read_bytes().strip()
        for shown in ("environ", "cmdline"):
            assert pin not in Path(f"/proc/{gateway.pid}/{shown}").read_bytes()
        assert "Umask:\t0077\n" in Path(f"/proc/{gateway.pid}/status").read_text()  # smgw/hardening.py was asked
        while_it_runs = smgw("log", premises.file)
        assert (while_it_runs.returncode, "GATEWAY_STARTED" in while_it_runs.stdout) == (0, True)
        gateway.send_signal(signal.SIGTERM)
        assert gateway.wait(PATIENCE) == 0
    # FAU_GEN.1/SYS, FPT_TST.1: its start, its end and the self-test of the start stand in the system log.
    entries = [json.loads(line) for line in smgw("log", premises.file, "--json").stdout.splitlines()]
    events = [entry["event"] for entry in entries]
    assert events.count("PROFILE_IMPORTED") == 1  # the administrator's
    assert events[-1] == "GATEWAY_STOPPED"
    (tested,) = (entry for entry in entries if entry["event"] == "SELF_TEST")
    assert (tested["outcome"], tested["parameters"]) == ("SUCCESS", {"failed": ""})

    verified = smgw("logs", "verify", premises.file)
    assert (verified.returncode, verified.stderr) == (0, "")
    assert f"system log: records 1 to {entries[-1]['record_number']} are as they were written\n" in verified.stdout
    refused = smgw("logs", "export", premises.file, tmp_path / "log.json", "--log", "calibration")
    assert (refused.returncode, "does not read the calibration log" in refused.stderr) == (Exit.ACCESS, True)
    assert smgw("logs", "export", premises.file, tmp_path / "log.json").returncode == 0
    elsewhere = ("logs", "verify", "--export", tmp_path / "log.json", "--root", premises.folder / "trust" / "root.pem")
    assert f"gateway {GATEWAY}: signed 20" in smgw(*elsewhere).stdout
    written = (tmp_path / "log.json").read_text()
    (tmp_path / "log.json").write_text(written.replace("GATEWAY_STOPPED", "GATEWAY_STARTED"))
    altered = smgw(*elsewhere)
    assert (altered.returncode, altered.stdout) == (Exit.LOG, "")
    assert altered.stderr.startswith("smgw: altered: system log: record ")
    assert smgw("logs", "verify").returncode == 2
    german = smgw("logs", "show", premises.file, "--lang", "de")
    assert f"Gateway {GATEWAY} beendet" in german.stdout

    (premises.folder / "pin").write_bytes(b"9999999999")
    refused = smgw("run", premises.file)
    assert (refused.returncode, refused.stdout) == (Exit.SECURITY_MODULE, "")
    assert refused.stderr.startswith("smgw: security module: pin-wrong")
    (premises.folder / "pin").write_bytes(pin)

    (premises.folder / "pin").rename(premises.folder / "away")
    refused = smgw("run", premises.file)
    assert refused.returncode == Exit.SECURITY_MODULE
    assert refused.stderr.startswith("smgw: security module: pin-file")
    (premises.folder / "away").rename(premises.folder / "pin")

    (premises.folder / "tokens").rename(premises.folder / "pulled")
    (premises.folder / "tokens").mkdir()
    refused = smgw("run", premises.file)
    assert refused.returncode == Exit.SECURITY_MODULE
    assert refused.stderr.startswith("smgw: security module: no-token")


def test_no_file_of_a_gateway_is_for_others_whatever_the_umask(tmp_path: Path) -> None:
    former = os.umask(0)
    try:
        premises = made(tmp_path, STUNNEL)
        with running(premises):
            secret = [premises.folder / name for name in ("pin", "pin.so", "store", "tokens")]
            found = [path for one in secret for path in (one, *one.rglob("*"))]
            wide = [path.name for path in found if mode(path) & 0o077]
    finally:
        os.umask(former)
    assert wide == []
    assert {"status.sock", "gateway.db-wal", "database.key", "token.object"} <= {path.name for path in found}


def mode(path: Path) -> int:
    """None of it where the gateway, which runs, has put something else in its place meanwhile."""
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return 0


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigurationError("lines[0].speed is missing"), Exit.CONFIGURATION),
        (AlreadyRunningError("two gateways"), Exit.RUNNING),
        (TokenError(TokenReason.LOST, "gone"), Exit.SECURITY_MODULE),
        (CertificateError(CertificateReason.REVOKED, "ours"), Exit.TRUST),
        (SealError(SealReason.ALGORITHM, "odd"), Exit.TRUST),
        (StoreFullError("no room"), Exit.STORE),
        (PortError(PortReason.UNAVAILABLE, "no such port"), Exit.LINE),
        (StatusError("nobody there"), Exit.NOT_RUNNING),
        (ImportRefusedError(ImportReason.KIND, "no administrator's"), Exit.TRUST),
        (WakeUpPortError("taken"), Exit.ADDRESS),
    ],
)
def test_every_refusal_is_a_sentence_and_a_code(
    error: Exception, code: Exit, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended, _refusals():
        raise error
    assert ended.value.code == code
    assert str(error) in capsys.readouterr().err


def test_a_clock_that_jumps_while_the_gateway_runs_stands_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smgw.__main__.LOOK_SECONDS", 0.01)
    premises = Premises(tmp_path, shared_configuration(), "premises-clock")
    premises.enrol()
    shift, stopping = timedelta(), threading.Event()
    environment = Environment(lambda: now() + shift, time.monotonic, os.urandom, lambda: 0.5)
    with compose(premises.configuration, environment) as composed:
        thread = threading.Thread(target=_run, args=(composed, stopping))
        thread.start()
        try:
            # The clock is watched by the time that the self-test of the start is over.
            wait_until(lambda: "SELF_TEST" in [entry.event for entry in composed.log.entries()])
            shift = timedelta(hours=3)
            wait_until(lambda: "CLOCK_JUMPED" in [entry.event for entry in composed.log.entries()])
        finally:
            stopping.set()
            thread.join(PATIENCE)
        (told,) = (entry for entry in composed.log.entries() if entry.event is Event.CLOCK_JUMPED)
    assert told.parameters == {"direction": "forward", "at_least_seconds": 10_000}


def test_the_gateway_tests_itself_at_its_start_and_then_periodically(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FPT_TST.1; TR-03109-1, self-test."""
    monkeypatch.setattr("smgw.__main__.LOOK_SECONDS", 0.01)
    monkeypatch.setattr("smgw.self_test.PERIOD_SECONDS", 0.0)
    premises = Premises(tmp_path, shared_configuration(), "premises-test")
    premises.enrol()
    stopping = threading.Event()
    with compose(premises.configuration, Environment(now, time.monotonic, os.urandom, lambda: 0.5)) as composed:
        thread = threading.Thread(target=_run, args=(composed, stopping))
        thread.start()
        try:
            wait_until(
                lambda: any(one.event is Event.SELF_TEST and one.repetition_count for one in composed.log.entries())
            )
        finally:
            stopping.set()
            thread.join(PATIENCE)


def wait_until(good: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not good():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_scan_knows_only_configured_lines(tmp_path: Path) -> None:
    premises = Premises(tmp_path, tmp_path / "none", GATEWAY)
    premises.write_configuration(lines='[[lines]]\nname = "a"\nport = "/dev/null/none"\nspeed = 300\nframing = "7E1"')
    runner = CliRunner()
    refused = runner.invoke(main, ["scan", str(premises.file), "b"])
    assert (refused.exit_code, "no line 'b'" in refused.stderr) == (Exit.CONFIGURATION, True)
    assert runner.invoke(main, ["scan", str(premises.file), "a"]).exit_code == Exit.LINE


@pytest.mark.peer
@pytest.mark.parametrize("tunnel", [STUNNEL, MEMORY], ids=["stunnel", "in-process"])
def test_what_is_owed_goes_through_mutual_tls(tmp_path: Path, tunnel: str) -> None:
    if tunnel == STUNNEL and not Path("/usr/bin/stunnel").exists():
        pytest.skip("stunnel is not installed (apt install stunnel4 libengine-pkcs11-openssl)")
    shared_configuration()
    premises = made(tmp_path, tunnel, holding=False)
    chain = (premises.peer.certificate, premises.pki.hierarchy.sub_ca.certificate)
    receiver = TlsReceiver(
        lambda _: STORED, server_context(TlsIdentity(chain, premises.peer.key), premises.pki.trust())
    )
    premises.port = receiver.port
    premises.hold(premises.party(), premises.evaluation())
    owe(premises)
    with running(premises) as gateway:
        status = wait_for(premises, gateway, lambda told: told["profiles"]["grid-1"]["acknowledged"] == 1)
        assert (KEY_IN_MEMORY in status["deviations"]) is (tunnel == MEMORY)
    (client,) = receiver.clients
    own = (tmp_path / "certificates" / "TLS.pem").read_bytes()
    assert pem(client) == own
    assert len(receiver.bodies) == 1
    assert receiver.requests[0].target == b"/deliveries"
    receiver.close()


def owe(premises: Premises) -> None:
    """Put two readings and their grants into the store, as the walk would have, in a process that has the token."""
    programme = (
        "import sys, time; from pathlib import Path\n"
        "from smgw.composition import open_token; from smgw.config import Configuration\n"
        "from tests.smgw.test_main import fill\n"
        "configuration = Configuration.load(Path(sys.argv[1]))\n"
        "with open_token(configuration, time.monotonic) as token: fill(configuration, token)\n"
    )
    subprocess.run(
        [sys.executable, "-c", programme, premises.file], cwd=ROOT, check=True, timeout=180, env={**os.environ}
    )


def fill(configuration: Any, token: Any) -> None:
    database = Database.open(configuration.store, token, configuration.gateway)
    for number in range(2):
        ReadingStore(database).record(samples.reading(number), samples.decision(samples.grant(number)))
    database.close()
