"""The server in front, the real one: TLS of TR-03116-3 for the HAN, and clients that mean harm or are broken.

PP-0073 FTP_ITC.1/USR, FCS_COP.1/TLS, FDP_IFF.1/FW.
"""

import logging
import re
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from urllib.parse import unquote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from han_web import front_configuration
from han_web.front import Front, Nginx, impersonal
from han_web.front_configuration import (
    BODY_OCTETS,
    FILES,
    FILES_OF_ONE_ADDRESS,
    GROUPS,
    HEADER_OCTETS,
    REQUESTS_OF_ONE_ADDRESS,
)
from han_web.security import HEADERS
from han_web.sockets import listen
from smgw.han.certificate import build, pem_of
from smgw.han.settings import HanIdentity, HanSettings, ServingError, ServingReason
from tests.han_web.fronted import (
    PATIENCE,
    Fronted,
    client_certificate,
    prepared,
    require_nginx,
    rest,
    served,
    until,
)
from tests.softhsm import PIN
from wire.reading import DeviceId

pytestmark = [pytest.mark.token, pytest.mark.peer]
GET = "GET / HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fronted]:
    with pytest.MonkeyPatch.context() as patch:
        # Nobody is let go here because the machine is busy.
        patch.setattr(front_configuration, "SLOW_SECONDS", PATIENCE)
        with served(tmp_path_factory.mktemp("page"), "127.0.0.1", "::1") as one:
            yield one


def shake(page: Fronted, *words: str) -> str:
    """What ``openssl s_client`` says of a handshake."""
    place = f"{page.page.addresses[0]}:{page.page.port}"
    command = ["openssl", "s_client", "-connect", place, *words]
    done = subprocess.run(command, input="", capture_output=True, text=True, check=False, timeout=PATIENCE)
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    "suite",
    [
        "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA384",
    ],
)  # fmt: skip
def test_every_suite_that_is_mandatory_in_the_han(page: Fronted, suite: str) -> None:
    said = shake(page, "-tls1_2", "-cipher", suite)
    assert f"Cipher is {suite}" in said
    assert "Peer signing digest: SHA256" in said
    assert "Compression: NONE" in said
    assert "Secure Renegotiation IS supported" in said
    assert "Extended master secret: yes" in said


@pytest.mark.parametrize("group", GROUPS)
def test_every_group_that_is_mandatory_in_the_han(page: Fronted, group: str) -> None:
    # A client of TLS 1.2 takes a certificate only if it names that one's curve as well.
    version = "-tls1_3" if group == "secp384r1" else "-tls1_2"
    said = shake(page, version, "-groups", group if "256v1" in group or group == "secp384r1" else f"prime256v1:{group}")
    assert f"Server Temp Key: ECDH, {group}, " in said


@pytest.mark.parametrize("suite", ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384"])
def test_the_newer_version(page: Fronted, suite: str) -> None:
    said = shake(page, "-tls1_3", "-ciphersuites", suite)
    assert f"Cipher is {suite}" in said
    assert "Early data was not sent" in said


@pytest.mark.parametrize(
    "words",
    [
        ("-tls1", "-cipher", "ALL:@SECLEVEL=0"),
        ("-tls1_1", "-cipher", "ALL:@SECLEVEL=0"),
        ("-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256:AES128-SHA256:DHE-RSA-AES128-GCM-SHA256"),
        ("-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES128-CCM"),
        ("-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"),
        ("-tls1_2", "-groups", "X25519"),
        ("-tls1_3", "-groups", "X25519"),
    ],
)
def test_nothing_else_is_spoken(page: Fronted, words: tuple[str, ...]) -> None:
    said = shake(page, *words)
    assert "Cipher is (NONE)" in said
    assert re.search(r"alert (handshake failure|protocol version|internal error)|no protocols available", said), said


def test_no_session_is_resumed_and_nobody_renegotiates(page: Fronted) -> None:
    assert "Reused, " not in shake(page, "-tls1_2", "-reconnect")
    place = f"{page.page.addresses[0]}:{page.page.port}"
    done = subprocess.run(
        ["openssl", "s_client", "-tls1_2", "-connect", place],
        input="R\n", capture_output=True, text=True, check=False, timeout=PATIENCE,
    )  # fmt: skip
    assert "no renegotiation" in done.stdout + done.stderr


def test_by_either_address_and_whose_certificate_it_is(page: Fronted) -> None:
    for host in (0, 1):
        assert page.ask(GET + "\r\n", host=host).startswith(b"HTTP/1.1 200 ")
    seen = page.get()
    assert seen["HTTP_X_CLIENT_ADDRESS"] == "127.0.0.1"
    assert seen["wsgi.url_scheme"] == "https"
    assert page.running.fingerprint() == page.settings.identity().fingerprint


def test_a_client_s_certificate_arrives_as_it_is(page: Fronted, tmp_path: Path) -> None:
    certificate, file = client_certificate(tmp_path)
    context = page.client()
    context.load_cert_chain(file)
    arrived = unquote(page.get("/", "X-Client-Certificate: forged", context=context)["HTTP_X_CLIENT_CERTIFICATE"])
    assert x509.load_pem_x509_certificate(arrived.encode()) == certificate


def test_nobody_forges_who_he_is(page: Fronted) -> None:
    """FTP_ITC.1/USR: the two headers are of the server in front alone, however they are written."""
    seen = page.get(
        "/", "X-Client-Certificate: forged", "x-client-certificate: forged", "X_Client_Certificate: forged",
        "X-Client-Address: 10.0.0.9", "X_Client_Address: 10.0.0.9", "X-Forwarded-For: 10.0.0.9",
        "Forwarded: for=10.0.0.9", "X-Forwarded-Proto: http",
    )  # fmt: skip
    assert seen["HTTP_X_CLIENT_CERTIFICATE"] is None
    assert seen["HTTP_X_CLIENT_ADDRESS"] == "127.0.0.1"
    assert seen["HTTP_X_FORWARDED_FOR"] is None
    assert seen["HTTP_FORWARDED"] is None
    assert seen["wsgi.url_scheme"] == "https"


def test_bodies_up_to_their_bound(page: Fronted) -> None:
    whole = page.ask(f"POST / HTTP/1.1\r\nHost: g\r\nConnection: close\r\nContent-Length: {BODY_OCTETS}\r\n\r\n"
                     + "x" * BODY_OCTETS)  # fmt: skip
    assert f'"body": {BODY_OCTETS}'.encode() in whole
    larger = page.ask(f"POST / HTTP/1.1\r\nHost: g\r\nContent-Length: {BODY_OCTETS + 1}\r\n\r\n")
    assert larger.startswith(b"HTTP/1.1 413 ")
    # Nothing that a person sends is put on the disk.
    assert [one for one in (page.folder / "body").rglob("*") if one.is_file()] == []


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("GET / HTTP/1.1\r\nHost: g\r\nX-Long: " + "x" * HEADER_OCTETS + "\r\n\r\n", b"431"),
        ("GET /" + "x" * HEADER_OCTETS + " HTTP/1.1\r\nHost: g\r\n\r\n", b"414"),
        ("GET /%00 HTTP/1.1\r\nHost: g\r\n\r\n", b"400"),
        ("GET /../../etc/passwd HTTP/1.1\r\nHost: g\r\n\r\n", b"400"),
        ("GET / HTTP/1.1\r\n\r\n", b"400"),
        ("TRACE / HTTP/1.1\r\nHost: g\r\n\r\n", b"405"),
        ("CONNECT x:1 HTTP/1.1\r\nHost: g\r\n\r\n", b"40"),
        ("POST / HTTP/1.1\r\nHost: g\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", b"400"),
        ("POST / HTTP/1.1\r\nHost: g\r\nContent-Length: -1\r\n\r\n", b"400"),
        ("\x16\x03\x01 nonsense\r\n\r\n", b"400"),
    ],
)
def test_what_is_refused_before_anything_of_ours_sees_it(page: Fronted, text: str, status: bytes) -> None:
    answer = page.ask(text)
    assert answer.startswith(b"HTTP/1.1 " + status), answer[:200]
    assert b"nicht angenommen" in answer
    assert carries_the_rules(answer)
    # No version and no other program's page.
    assert b"nginx/" not in answer
    assert b"<center>" not in answer


def carries_the_rules(answer: bytes) -> bool:
    """Whether all that the page's own answers carry stands in one that it never saw, each once."""
    lines = answer.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    return all(lines.count(f"{name}: {value}") == 1 for name, value in HEADERS.items())


def test_without_tls_only_the_way_to_it_is_told(page: Fronted) -> None:
    with socket.create_connection(("127.0.0.1", page.page.port), timeout=PATIENCE) as plain:
        plain.sendall(b"GET /secret HTTP/1.1\r\nHost: gateway\r\n\r\n")
        answer = rest(plain)
    assert answer.startswith(b"HTTP/1.1 301 ")
    assert b"Location: https://gateway/\r\n" in answer
    assert carries_the_rules(answer)


@pytest.mark.parametrize("seed", range(3))
def test_garbage_ends_a_connection_and_nothing_else(page: Fronted, seed: int) -> None:
    """The same each time: some octets are the beginning of a hello of long ago, whose rest is waited for."""
    with socket.create_connection(("127.0.0.1", page.page.port), timeout=PATIENCE) as plain:
        plain.sendall(Random(seed).randbytes(512) + b"\r\n\r\n")
        rest(plain)
    assert page.get()["PATH_INFO"] == "/"


def test_a_hundred_connections_of_one_address_leave_room(page: Fronted) -> None:
    place = ("127.0.0.1", page.page.port)
    held = [socket.create_connection(place, timeout=PATIENCE) for _ in range(100)]
    try:
        assert page.get()["PATH_INFO"] == "/"
    finally:
        for one in held:
            one.close()


def begun(page: Fronted, text: bytes, held: ExitStack) -> ssl.SSLSocket:
    """A connection and the beginning of a request; who was let go before he could begin comes once more."""
    for _ in range(PATIENCE):
        with suppress(ConnectionError, ssl.SSLError):
            stream = held.enter_context(page.connected())
            stream.sendall(text)
            return stream
    raise AssertionError(text)


def test_whoever_is_slow_is_let_go_and_that_is_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "han_web.front")
    monkeypatch.setattr(front_configuration, "SLOW_SECONDS", 1)
    with served(tmp_path) as one, ExitStack() as held:
        half = begun(one, b"GET / HTTP/1.1\r\nHost: g\r\nX-Sl", held)
        body = begun(one, b"POST / HTTP/1.1\r\nHost: g\r\nContent-Length: 9\r\n\r\nx", held)
        silent = held.enter_context(socket.create_connection(("127.0.0.1", one.page.port), timeout=PATIENCE))

        def answered() -> bool:
            with suppress(ConnectionError, ssl.SSLError):
                return one.ask(GET + "\r\n").startswith(b"HTTP/1.1 200 ")
            return False

        until(answered)
        assert rest(half) == b""
        assert rest(silent) == b""
        assert b" 200 " not in rest(body)
        until(lambda: "nginx: refused with 408 before the page was asked" in caplog.messages)


@pytest.mark.parametrize(
    ("path", "most"),
    [("/", REQUESTS_OF_ONE_ADDRESS), *((one, FILES_OF_ONE_ADDRESS) for one in (*FILES, "/data/x/../%65xport//file"))],
)
def test_requests_of_one_address_at_once_are_counted(page: Fronted, path: str, most: int) -> None:
    """Of files, which wait in the gateway's memory until they are taken, a few; however their path is written."""
    slow = f"POST {path} HTTP/1.1\r\nHost: g\r\nContent-Length: 10\r\n\r\n"
    asked = GET.replace(" / ", f" {path} ")
    with ExitStack() as held:
        for _ in range(most):
            held.enter_context(page.connected()).sendall(slow.encode())
        refused = b""
        for _ in range(50):  # until the last of them was read
            refused = page.ask(asked + "\r\n")
            if refused.startswith(b"HTTP/1.1 429 "):
                break
        assert refused.startswith(b"HTTP/1.1 429 ")
        # Whoever has another address is served, and so is she with another wish.
        assert page.ask(asked + "\r\n", host=1).startswith(b"HTTP/1.1 200 ")
        assert path == "/" or page.ask(GET + "\r\n").startswith(b"HTTP/1.1 200 ")


def test_the_secrets_are_nowhere_to_be_read(page: Fronted) -> None:
    """FTP_ITC.1/USR: no PIN in arguments, environment or files; the pipe is empty."""
    process = page.running.process_id
    for name in ("cmdline", "environ"):
        assert PIN.encode() not in Path(f"/proc/{process}/{name}").read_bytes()
    assert all(PIN.encode() not in one.read_bytes() for one in page.folder.rglob("*") if one.is_file())
    assert (page.folder / "page.sock").stat().st_mode & 0o777 == 0o600


def test_a_renewed_certificate_is_shown_without_a_new_start_of_the_gateway(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_nginx()
    monkeypatch.setattr("han_web.front.IDENTITY_SECONDS", 0.0)
    monkeypatch.setattr("han_web.front.LOOK_SECONDS", 0.05)
    with prepared(tmp_path) as one:
        first = one.settings.identity()
        key = one.token.generate_key("HAN.2", ec.SECP256R1())
        place = [x509.IPAddress(address) for address in one.page.addresses]
        second = pem_of(build(DeviceId("EABC0012345678"), place, key, datetime.now(UTC), bytes(16)))
        held = [first]
        listening = listen(one.page.addresses, one.page.port)
        front = Front(replace(one.settings, identity=lambda: held[-1]), listening, Nginx.look())
        front.start()
        try:
            before = ssl.get_server_certificate(("127.0.0.1", one.page.port), timeout=PATIENCE)
            held.append(HanIdentity(second, "second", replace(first.key, key="HAN.2")))
            until(lambda: front.fingerprint() == "second" and front.serving())
            # Whoever connects meanwhile waits for an answer and is not refused.
            after = ssl.get_server_certificate(("127.0.0.1", one.page.port), timeout=PATIENCE)
        finally:
            front.stop()
            for each in listening:
                each.close()
    assert (before.split(), after.split()) == (first.certificate.decode().split(), second.decode().split())
    assert one.changes == ["", ""]


def test_while_the_application_is_away_a_page_says_so(tmp_path: Path) -> None:
    require_nginx()
    with prepared(tmp_path) as one:
        listening = listen(one.page.addresses, one.page.port)
        front = Front(one.settings, listening, Nginx.look())
        front.start()
        try:
            answer = one.ask(GET + "\r\n")
        finally:
            front.stop()
            for each in listening:
                each.close()
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"Retry-After: 10\r\n" in answer
    assert b"in einer Minute" in answer
    assert carries_the_rules(answer)
    assert one.changes == [""]
    with pytest.raises(ConnectionRefusedError):
        one.ask(GET)


@pytest.mark.parametrize(
    ("pin", "sentence"), [("9999999999", "PIN incorrect"), (PIN, "key values mismatch")]
)  # fmt: skip
def test_a_front_that_cannot_have_its_key_does_not_start(tmp_path: Path, pin: str, sentence: str) -> None:
    require_nginx()
    with prepared(tmp_path) as one:
        identity = one.settings.identity()
        if pin == PIN:
            other = tmp_path / "other"
            other.mkdir()
            certificate, _ = client_certificate(other)
            identity = type(identity)(pem_of(certificate), identity.fingerprint, identity.key)
        settings = HanSettings(one.page, tmp_path, lambda: pin, lambda: identity, one.changes.append)
        listening = listen(one.page.addresses, one.page.port)
        front = Front(settings, listening, Nginx.look())
        with pytest.raises(ServingError) as refusal:
            front.start()
        for each in listening:
            each.close()
    assert refusal.value.reason is ServingReason.FRONT
    assert sentence in str(refusal.value)
    assert pin not in str(refusal.value)
    assert one.changes == []


def test_where_nginx_is_not_installed(tmp_path: Path) -> None:
    with pytest.raises(ServingError, match="apt install nginx-light"):
        Nginx.look(tmp_path / "nginx")
    with pytest.raises(ServingError, match="is no nginx with OpenSSL"):
        Nginx.look(Path("/bin/true"))


def test_the_log_tells_nobody_s_address() -> None:
    line = 'limiting connections by zone, client: 10.0.0.7, server: _, request: "GET /x HTTP/1.1", host: "g"'
    assert impersonal(line) == "limiting connections by zone"
    assert impersonal("a\x1b[31m\nb") == "a?[31m?b"
