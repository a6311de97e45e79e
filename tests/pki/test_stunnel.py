import dataclasses
import signal
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pki.errors import TunnelError, TunnelReason
from pki.stunnel import ChildConfiguration, StunnelTunnel, explain, start

CONFIGURATION = ChildConfiguration(
    module=Path("/usr/lib/softhsm/libsofthsm2.so"),
    pin="7402918365",
    key_uri="pkcs11:token=gateway;object=TLS;type=private",
    host="emt.example",
    port=443,
    own_chain=5,
    trusted=6,
    revocations=7,
    connect_seconds=10,
)

REQUIRED = [
    "verifyChain = yes",
    "verifyPeer = yes",
    "CAfile = /proc/self/fd/6",
    "CRLfile = /proc/self/fd/7",
    "cert = /proc/self/fd/5",
    "sslVersion = TLSv1.2",
    "ciphers = ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-SHA256",
    "curves = prime256v1:brainpoolP256r1:brainpoolP384r1",
    "renegotiation = no",
    "options = NO_TICKET",
    "options = NO_COMPRESSION",
    "key = pkcs11:token=gateway;object=TLS;type=private",
    "connect = emt.example:443",
    "client = yes",
]
"""What makes a child safe: each line is a requirement of TR-03116-3 §4 or of design D2."""

LOGS = {
    "LOG4[0]: CERT: Pre-verification error: certificate has expired\nLOG4[0]: Rejected by CERT at depth=0: CN=x": (
        TunnelReason.PEER_CERTIFICATE,
        "expired",
    ),
    "LOG4[0]: CERT: Certificate not found in local repository": (TunnelReason.PEER_CERTIFICATE, "not found"),
    "LOG3[0]: s_connect: connect 127.0.0.1:4: Connection refused (111)": (TunnelReason.UNREACHABLE, "refused"),
    "LOG3[0]: s_connect: s_poll_wait 192.0.2.1:443: TIMEOUTconnect exceeded": (TunnelReason.TIMEOUT, "not answer"),
    "LOG3[0]: SSL_connect: ../rec_layer_s3.c:1601: error:0A000418:SSL routines::tlsv1 alert unknown ca": (
        TunnelReason.HANDSHAKE,
        "unknown ca",
    ),
    "LOG3[0]: something that no version said before": (TunnelReason.HANDSHAKE, "something"),
    "": (TunnelReason.HANDSHAKE, "nothing"),
}


@pytest.mark.parametrize("line", REQUIRED)
def test_a_child_is_told(line: str) -> None:
    assert line in CONFIGURATION.to_text().splitlines()


@pytest.mark.parametrize("log", LOGS)
def test_a_log_is_explained(log: str) -> None:
    reason, words = LOGS[log]
    error = explain(log)
    assert error.reason is reason
    assert words in str(error)


def test_the_configuration_shows_no_pin() -> None:
    assert CONFIGURATION.pin not in repr(CONFIGURATION)


@pytest.mark.parametrize(
    "change",
    [
        {"host": "x\nverifyPeer = no"},
        {"host": ""},
        {"host": "x y"},
        {"port": 0},
        {"port": 65_536},
        {"pin": "1234567890\nverifyPeer = no"},
        {"pin": ""},
        {"pin": "123456 7890"},
        {"key_uri": "pkcs11:\nx"},
        {"module": Path("/a\n/b")},
    ],
)
def test_no_value_can_add_a_line(change: dict[str, object]) -> None:
    with pytest.raises(TunnelError) as caught:
        dataclasses.replace(CONFIGURATION, **change).to_text()  # type: ignore[arg-type]
    assert caught.value.reason is TunnelReason.HANDSHAKE


def carried_by(program: Path, script: str) -> tuple[subprocess.Popen[bytes], StunnelTunnel]:
    """A tunnel whose child does what ``script`` says and nothing of what stunnel does."""
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o700)
    process, stream, log = start(program, b"", {"PATH": "/usr/bin:/bin"}, ())
    return process, StunnelTunnel(process, stream, log, lambda: datetime.now(UTC), pin=CONFIGURATION.pin)


def test_a_child_that_does_not_end_is_killed_and_reaped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pki.stunnel._EXIT_GRACE", 0.1)
    process, tunnel = carried_by(tmp_path / "stubborn", "exec sleep 60")
    tunnel.close()
    assert process.returncode == -signal.SIGKILL


def test_a_child_that_ends_late_has_sent_what_it_was_given(tmp_path: Path) -> None:
    """On a machine that does much else."""
    sent = tmp_path / "sent"
    process, tunnel = carried_by(tmp_path / "late", f"sleep 0.8\nexec cat > {sent}")
    tunnel.send(b"a reply")
    tunnel.close()
    assert (process.returncode, sent.read_bytes()) == (0, b"a reply")


def test_a_child_that_is_given_up_in_its_handshake_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pki.stunnel._EXIT_GRACE", 3600)
    process, tunnel = carried_by(tmp_path / "stubborn", "exec sleep 3600")
    with pytest.raises(TunnelError) as caught:
        tunnel.shake_hands(lambda: 0)
    assert (caught.value.reason, process.returncode) == (TunnelReason.TIMEOUT, -signal.SIGKILL)


def test_a_child_that_repeats_the_pin_is_not_repeated(tmp_path: Path) -> None:
    pin = CONFIGURATION.pin
    program = tmp_path / "talker"
    program.write_text(f"#!/bin/sh\nprintf 'LOG3: x {pin[:4]}' >&2; sleep 0.2; printf '{pin[4:]} LOG3 {pin}' >&2\n")
    program.chmod(0o700)
    process, stream, log = start(program, b"", {"PATH": "/usr/bin:/bin"}, ())
    tunnel = StunnelTunnel(process, stream, log, lambda: datetime.now(UTC), pin=pin)
    with pytest.raises(TunnelError) as caught:
        tunnel.shake_hands(lambda: 60.0)
    assert "x [struck out] LOG3 [struck out]" in str(caught.value)
    assert pin not in tunnel.log


def test_what_a_child_was_told_does_not_explain_what_went_wrong() -> None:
    log = "[ ] Executing engine control command PIN:[struck out]\n[!] Private key does not match the public one\n"
    assert str(explain(log)).endswith("[!] Private key does not match the public one")
