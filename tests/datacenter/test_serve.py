"""The real server over real sockets: who gets in, who does not, and what it survives."""

import contextlib
import http.client
import json
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256, SHA384

from datacenter import schema
from datacenter.__main__ import EXIT_FAILED, main
from pki.certificates import Purpose, Role
from testbed.small_pki import Holder, SmallPki
from tests.datacenter.served import PATIENCE, Served, post, served
from tests.datacenter.world import GATEWAY, RASTER, World

STARTED = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    world = World(tmp_path_factory.mktemp("served"), now=STARTED)
    with served(world, bare=True) as server:
        yield server
    world.close()


def body_of(server: Served, sequence: int) -> bytes:
    """A valid delivery that no other test of this module has."""
    until = STARTED - RASTER * 10 * sequence
    return server.world.seal(server.world.gateway.content(sequence, until=until))


def test_stored_and_again_on_one_kept_connection(running: Served) -> None:
    body = body_of(running, 1)
    with running.connected(running.world.gateway.tunnel) as connection:
        assert post(connection, body) == (200, b'{"result":"stored"}\n')
        assert post(connection, body) == (200, b'{"result":"duplicate"}\n')


def test_refusals_have_their_status(running: Served) -> None:
    with running.connected(running.world.gateway.tunnel) as connection:
        assert post(connection, b"garbage") == (400, b'{"reason":"seal-malformed"}\n')
        assert post(connection, b"", **{"Content-Type": "text/xml"}) == (415, b'{"reason":"media-type"}\n')
        assert post(connection, b"", **{"Content-Encoding": "gzip"})[0] == 415
        assert post(connection, b"", path="/other")[0] == 404
        connection.request("GET", "/deliveries")
        answer = connection.getresponse()
        assert (answer.status, bool(answer.read())) == (405, True)
    with running.connected(running.world.gateway.tunnel) as connection:
        connection.putrequest("POST", "/deliveries")
        connection.putheader("Content-Length", str(3 * 1024 * 1024))
        connection.endheaders()
        assert connection.getresponse().status == 413


# The client's certificate, in the handshake


def handshake_refused(server: Served, holder: Holder | None) -> None:
    with pytest.raises((ssl.SSLError, ConnectionError, http.client.RemoteDisconnected)):
        server.post(body_of(server, 99), holder)


def test_no_client_certificate(running: Served) -> None:
    with (
        pytest.raises((ssl.SSLError, ConnectionError, http.client.RemoteDisconnected)),
        running.connected(None) as connection,
    ):
        post(connection, b"")


def test_self_signed_client(running: Served) -> None:
    key = ec.generate_private_key(ec.BrainpoolP256R1())
    name = running.world.gateway.tunnel.certificate.subject
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(STARTED - timedelta(days=1))
    handshake_refused(running, Holder(builder.not_valid_after(STARTED + timedelta(days=1)).sign(key, SHA256()), key))


def test_client_of_a_foreign_authority(running: Served) -> None:
    handshake_refused(running, SmallPki(seed=5, now=running.world.pki.now).holder(Role.SMGW, Purpose.TLS, GATEWAY))


def test_expired_client(running: Served) -> None:
    handshake_refused(running, expired(running.world))


def expired(world: World) -> Holder:
    """The registered gateway's certificate as it was two years ago: same names and authority, over since yesterday."""
    good, issuer = world.gateway.tunnel.certificate, world.pki.hierarchy.sub_ca
    key = ec.generate_private_key(ec.BrainpoolP256R1())
    builder = x509.CertificateBuilder().subject_name(good.subject).issuer_name(good.issuer).public_key(key.public_key())
    builder = builder.serial_number(7).not_valid_before(STARTED - timedelta(days=730))
    builder = builder.not_valid_after(STARTED - timedelta(days=1))
    for extension in good.extensions:
        value: x509.ExtensionType = extension.value
        if isinstance(value, x509.SubjectKeyIdentifier):
            value = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        builder = builder.add_extension(value, extension.critical)
    return Holder(builder.sign(issuer.key, SHA384()), key)


def test_revoked_clients_are_out_within_seconds_and_on_kept_connections_too(tmp_path: Path) -> None:
    world = World(tmp_path, now=STARTED)
    with served(world) as server:
        with server.connected(world.gateway.tunnel) as kept:
            assert post(kept, body_of(server, 1))[0] == 200
            world.publish_crls(world.gateway.tunnel.certificate)
            # Either its next request says so, or it was cut off before it asked.
            time.sleep(1.3)
            with contextlib.suppress(OSError, http.client.RemoteDisconnected):
                assert post(kept, body_of(server, 2)) == (403, b'{"reason":"tunnel-certificate"}\n')
                assert ended(kept)
        handshake_refused(server, world.gateway.tunnel)
        assert server.stop() == 0
    assert world.count(schema.delivery) == 1
    world.close()


def ended(connection: http.client.HTTPSConnection) -> bool:
    """Whether the server closes it, while we say nothing; waits for that."""
    assert connection.sock is not None
    connection.sock.settimeout(PATIENCE)
    return connection.sock.recv(1) == b""


def test_a_revoked_client_that_rests_is_cut_off_and_nobody_else(tmp_path: Path) -> None:
    """Both tunnels say nothing after their first delivery; the idle time is ten minutes."""
    world = World(tmp_path, now=STARTED)
    other = world.add_gateway("EXYZ0087654321")
    with served(world) as server, server.connected(world.gateway.tunnel) as kept:
        with contextlib.closing(
            http.client.HTTPSConnection(
                "127.0.0.1", server.port, timeout=PATIENCE, context=server.context(other.tunnel, "other")
            )
        ) as good:
            assert post(kept, body_of(server, 1))[0] == 200
            assert post(good, b"garbage")[0] == 400
            world.publish_crls(world.gateway.tunnel.certificate)
            assert ended(kept)
            assert post(good, b"garbage")[0] == 400
        assert f"a resting connection of {GATEWAY} ends: revoked" in server.log.read_text()
    world.close()


# The client's certificate, good in the handshake, and still not a registered gateway's


@pytest.mark.parametrize(
    ("role", "purpose"), [(Role.EMT, Purpose.TLS), (Role.GWA, Purpose.TLS), (Role.SMGW, Purpose.TLS)]
)
def test_other_roles_and_unregistered_gateways(running: Served, role: Role, purpose: Purpose) -> None:
    holder = running.world.pki.holder(role, purpose, "EXYZ0087654321" if role is Role.SMGW else "Netz")
    with running.connected(holder) as connection:
        assert post(connection, body_of(running, 98)) == (403, b'{"reason":"tunnel-certificate"}\n')
        assert ended(connection)


def test_newly_registered_gateway_needs_no_restart(running: Served) -> None:
    gateway = running.world.add_gateway("EXYZ0012345678")
    time.sleep(1.3)
    body = running.world.seal(gateway.content(until=STARTED), signer=gateway.signature)
    assert running.post(body, gateway.tunnel) == (200, b'{"result":"stored"}\n')


# The TLS profile, seen by another program


@pytest.mark.peer
@pytest.mark.parametrize(
    ("groups", "chosen"),
    [
        ("prime256v1:brainpoolP256r1", "prime256v1"),
        ("brainpoolP256r1:prime256v1", "prime256v1"),
        ("brainpoolP256r1", "brainpoolP256r1"),
    ],
)
@pytest.mark.parametrize("suite", ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA256"])
def test_groups_and_suites_by_openssl(running: Served, groups: str, chosen: str, suite: str) -> None:
    said = s_client(running, "-curves", groups, "-cipher", suite, "-tls1_2")
    assert f"Server Temp Key: ECDH, {chosen}, 256 bits" in said
    assert f"Cipher is {suite}" in said
    assert "Verify return code: 0 (ok)" in said


@pytest.mark.peer
@pytest.mark.parametrize(
    "arguments", [("-tls1_3",), ("-tls1_1",), ("-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384")]
)
def test_nothing_else_is_offered(running: Served, arguments: tuple[str, ...]) -> None:
    assert "Cipher is (NONE)" in s_client(running, *arguments, "-curves", "prime256v1:brainpoolP256r1")


def s_client(server: Served, *arguments: str) -> str:
    chain, key = server.world.files("openssl", server.world.gateway.tunnel)
    root = server.world.folder / "trust" / "root.pem"
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-cert", chain, "-key", key]
    done = subprocess.run(
        [*map(str, command), "-cert_chain", str(chain), "-CAfile", str(root), *arguments],
        input=b"",
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    return done.stdout.decode()


# What it survives


def test_rude_clients_do_not_stop_it(running: Served) -> None:
    for rude in (b"", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00", b"\0" * 5000):
        with socket.create_connection(("127.0.0.1", running.port)) as connection:
            connection.sendall(rude)
    with running.connected(running.world.gateway.tunnel) as connection:
        connection.putrequest("POST", "/deliveries")
        connection.putheader("Content-Length", "1000")
        connection.endheaders(b"half")
    assert running.post(body_of(running, 40))[0] == 200


def test_dies_after_commit_and_before_its_answer(tmp_path: Path) -> None:
    """The gateway hears nothing, comes again, and nothing is doubled."""
    world = World(tmp_path, now=STARTED)
    with served(world, program="tests.datacenter.dying_server") as server:
        body = body_of(server, 1)
        with pytest.raises((ConnectionError, http.client.RemoteDisconnected, ssl.SSLError)):
            server.post(body)
    assert world.count(schema.reading) == 2
    with served(world) as server:
        assert server.post(body) == (200, b'{"result":"duplicate"}\n')
    assert (world.count(schema.reading), world.count(schema.delivery)) == (2, 1)
    world.close()


@pytest.mark.peer
def test_postgresql_that_goes_and_comes_back(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    cluster = request.getfixturevalue("cluster")
    world = World(tmp_path, now=STARTED, url=cluster.create_database("goes"))
    with served(world, threads=2) as server, server.connected(world.gateway.tunnel) as kept:
        first, second = body_of(server, 1), body_of(server, 2)
        assert post(kept, first)[0] == 200
        cluster.stop()
        try:
            assert post(kept, second) == (503, b'{"result":"temporary"}\n')
        finally:
            cluster.start()
        assert post(kept, second) == (200, b'{"result":"stored"}\n')
        assert post(kept, first) == (200, b'{"result":"duplicate"}\n')
        assert server.stop() == 0
    world.close()


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda world: (world.folder / "tls.key").write_bytes((world.folder / "enc.key").read_bytes()), "TLS"),
        (lambda world: (world.folder / "trust" / "sub.crl").unlink(), "TLS does not work"),
    ],
)
def test_tls_that_cannot_work_ends_it_with_a_sentence(
    make_world: Callable[..., World], break_it: Callable[[World], object], said: str
) -> None:
    world = make_world(now=STARTED)
    break_it(world)
    with pytest.raises(AssertionError, match="the server ended") as caught, served(world):
        pass
    assert said in str(caught.value)
    assert "Traceback" not in str(caught.value)


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (
            lambda world: (world.folder / "enc.key").write_bytes((world.folder / "tls.key").read_bytes()),
            "not the key of",
        ),
        (lambda world: (world.folder / "gateways" / "x.pem").touch(), "x.pem"),
        (lambda world: (world.folder / "enc.key").chmod(0o644), "chmod 600"),
    ],
)
def test_what_cannot_work_ends_it_with_a_sentence(
    world: World, monkeypatch: pytest.MonkeyPatch, break_it: Callable[[World], object], said: str
) -> None:
    """What is found out before TLS is tried, which alone needs a process with groups of its own."""
    monkeypatch.setattr("datacenter.tls.restart_with_groups", lambda: None)
    monkeypatch.setattr("datacenter.serve.Server.run", lambda _: pytest.fail("it serves"))
    break_it(world)
    ended = CliRunner().invoke(main, ["serve", "--config", str(world.configuration(8443))])
    assert ended.exit_code == EXIT_FAILED
    assert ended.output.startswith("Error: ")
    assert said in ended.output


def test_what_happened_can_be_asked(running: Served) -> None:
    assert running.post(b"garbage")[0] == 400
    assert running.post(b"", running.world.pki.holder(Role.EMT, Purpose.TLS, "Netz"))[0] == 403
    rows = [json.loads(line) for line in command(running, "refusals", "--json").splitlines()]
    assert ("", "tunnel-certificate", "not-pinned") in {(row["gateway"], row["reason"], row["detail"]) for row in rows}
    assert f"refused {GATEWAY}: seal-malformed" in running.log.read_text()


def command(server: Served, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "datacenter", *arguments, "--config", str(server.world.folder / "datacenter.toml")],
        capture_output=True,
        check=True,
    )
    return done.stdout.decode()
