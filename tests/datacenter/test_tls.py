"""Contexts follow the files, sockets are patient only for a while, and sessions end after 48 hours."""

import os
import socket
import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from datacenter import config, tls
from datacenter.config import Limits
from datacenter.errors import ConfigError, RefusalReason, RefusedError
from datacenter.tls import CurrentContext, DirectPeer, PatientSocket, hang_up, server_context
from pki.tls import SUITES
from tests.datacenter.world import World


@pytest.fixture
def loaded(tmp_path: Path) -> config.Config:
    return config.load(World(tmp_path, now=datetime.now(UTC).replace(microsecond=0)).configuration(8443))


def test_context_is_kept_until_files_change(loaded: config.Config) -> None:
    now = [0.0]
    current = CurrentContext(loaded, lambda: now[0])
    first = current.get()
    now[0] += 2
    assert current.get() is first
    (loaded.trust / "sub.crl").rename(loaded.trust / "again.crl")
    assert current.get() is first
    now[0] += 2
    assert current.get() is not first
    (loaded.trust / "root.pem").write_bytes(b"-----BEGIN CERTIFICATE-----")
    now[0] += 2
    with pytest.raises(ConfigError):
        current.get()


def test_nothing_is_optional(loaded: config.Config) -> None:
    context = server_context(loaded.trust, loaded.keys)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.verify_flags & ssl.VerifyFlags.VERIFY_CRL_CHECK_CHAIN == ssl.VerifyFlags.VERIFY_CRL_CHECK_CHAIN
    assert [cipher["name"] for cipher in context.get_ciphers()][-2:] == SUITES.split(":")
    assert context.minimum_version is context.maximum_version is ssl.TLSVersion.TLSv1_2


def test_key_of_another_certificate(loaded: config.Config) -> None:
    loaded.keys.tls_key.write_bytes(loaded.keys.encryption_key.read_bytes())
    with pytest.raises(ConfigError, match="TLS"):
        server_context(loaded.trust, loaded.keys)


def test_a_silent_peer_is_waited_for_only_a_while(loaded: config.Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PatientSocket, "silence_seconds", 0.2)
    here, there = socket.socketpair()
    context = server_context(loaded.trust, loaded.keys)
    with here, there, context.wrap_socket(here, server_side=True, do_handshake_on_connect=False) as patient:
        patient.setblocking(True)
        assert patient.gettimeout() == 0.2
        with pytest.raises(TimeoutError):
            patient.do_handshake()


def test_session_of_more_than_two_days(loaded: config.Config) -> None:
    here, there = socket.socketpair()
    context = server_context(loaded.trust, loaded.keys)
    with there, context.wrap_socket(here, server_side=True, do_handshake_on_connect=False) as connection:
        peer, environ = DirectPeer(Limits()), {"gunicorn.socket": connection}
        for age in (0.0, 172_800.0):
            with pytest.raises(ValueError, match="handshake not done"):
                peer.certificate(environ, 100.0 + age)
        with pytest.raises(RefusedError) as caught:
            peer.certificate(environ, 100.0 + 172_801)
        assert caught.value.reason is RefusalReason.TUNNEL_TOO_OLD
        assert isinstance(connection, PatientSocket)
        assert connection.leaving


def test_hanging_up_is_for_our_own_connections_and_not_for_a_fronts(loaded: config.Config) -> None:
    here, there = socket.socketpair()
    context = server_context(loaded.trust, loaded.keys)
    with there, context.wrap_socket(here, server_side=True, do_handshake_on_connect=False) as connection:
        assert isinstance(connection, PatientSocket)
        assert not connection.leaving
        hang_up({"gunicorn.socket": connection})
        assert connection.leaving
        hang_up({"gunicorn.socket": there})
        hang_up({})
        assert not PatientSocket.leaving


def test_restarts_itself_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []
    monkeypatch.setattr(os, "execve", lambda *arguments: calls.append(arguments))
    monkeypatch.setenv("OPENSSL_CONF", "/other")
    tls.restart_with_groups()
    assert calls[0][2]["OPENSSL_CONF"] == str(tls.OPENSSL_CONFIGURATION)
    monkeypatch.setenv("OPENSSL_CONF", str(tls.OPENSSL_CONFIGURATION))
    tls.restart_with_groups()
    assert len(calls) == 1


def test_without_the_groups_it_does_not_start(loaded: config.Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """This test process does not run under our OpenSSL configuration, so brainpool is not in force here."""
    context = server_context(loaded.trust, loaded.keys)
    with pytest.raises(ConfigError, match="TLS does not work"):
        tls.require_own_handshake(context, loaded)
    context.set_ecdh_curve("brainpoolP256r1")
    tls.require_own_handshake(context, loaded)
