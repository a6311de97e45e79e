"""What nginx is told: the TLS profile of the home area network, the bounds of a client, and what is handed on.

Decides every limit in front of the page, and nothing about who may come in: a client's certificate is handed on as it
is, and whether it is pinned is the gateway's own decision (PP-0073 FTP_ITC.1/USR). TLS is as TR-03116-3 has it for the
HAN (FCS_COP.1/TLS): 1.2 and 1.3, ECDHE with ECDSA, the four suites and five groups, no renegotiation, no compression.
No session is resumed: a new handshake takes some milliseconds, and nothing has to be kept for 48 hours and forgotten.

nginx's ``$`` and quotes never meet a text from outside: what stands in it are numbers, addresses and a quoted URI.

What it refuses without asking the page it tells by its status and nothing else (han_web/refusals.py tells the rest).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Final

from han_web.security import HEADERS
from han_web.sockets import SOCKET_NAME
from smgw.han.settings import ServingError, ServingReason

SUITES: Final = (
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-AES128-SHA256",
    "ECDHE-ECDSA-AES256-SHA384",
)
"""TLS 1.2; all four are mandatory in the HAN. CBC with encrypt-then-MAC wherever the client knows it."""
SUITES_TLS13: Final = ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384")
GROUPS: Final = ("brainpoolP256r1", "brainpoolP384r1", "brainpoolP512r1", "prime256v1", "secp384r1")
"""The server's order. A client of TLS 1.2 that knows the certificate's curve names secp256r1 as well: were that first,
no other would ever be agreed on. Browsers name no brainpool group and pay nothing for this."""
GROUPS_TLS13: Final = ("brainpoolP256r1tls13", "brainpoolP384r1tls13", "brainpoolP512r1tls13")
"""The brainpool groups have numbers of their own in TLS 1.3 (RFC 8734); OpenSSL knows them from 3.2 on."""
KNOWS_BRAINPOOL_IN_TLS13: Final = (3, 2)
SIGNATURES: Final = "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512"

CONNECTIONS: Final = 512
"""At once, each request taking two; those that are idle make room."""
REQUESTS_OF_ONE_ADDRESS: Final = 20
"""At once: a browser has six."""
FILES: Final = ("/data/export/file", "/api/v1/export")
"""Answers of up to 30 MB, which wait in the gateway's memory until they are taken."""
FILES_OF_ONE_ADDRESS: Final = 2
FILES_AT_ONCE: Final = 8
"""Of all addresses: whoever takes a file slowly, again and again, holds no more of the gateway's memory than that."""
REQUESTS_PER_SECOND: Final = 30
"""Of one address, in the long run; a page with all that belongs to it is some twenty."""
BURST: Final = 120
BODY_OCTETS: Final = 64 * 1024
"""Forms and questions; no larger one exists. It fits into memory: nothing that a person sends is put on a disk."""
HEADER_OCTETS: Final = 8 * 1024
"""One line of the header; four of them together."""
SLOW_SECONDS: Final = 10
"""For a handshake and a header in all, and between two pieces of a body."""
IDLE_SECONDS: Final = 600
"""TR-03109-1: ten idle minutes."""
LONGEST_CONNECTION: Final = "1h"
"""Less than the 48 hours of TR-03116-3, after which keys must be new: no connection takes a request after it."""
ANSWER_SECONDS: Final = 120
"""A year with signatures is counted and checked in some seconds; a slow device takes longer."""

_ONE_WORD: Final = re.compile(r"[A-Za-z0-9/._+@:~-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Inherited:
    """Descriptors that nginx inherits: certificate (PEM) and PIN."""

    certificate: int
    pin: int


def configure(
    listening: Sequence[tuple[IPv4Address | IPv6Address, int]],
    key_uri: str,
    inherited: Inherited,
    *,
    openssl: tuple[int, int],
    missing: Sequence[str] = (),
    user: str | None = None,
) -> str:
    """The configuration.

    ``listening`` is where the inherited sockets are bound; ``key_uri`` is by RFC 7512, without a PIN; ``openssl`` the
    version that nginx runs with; ``missing`` are modules that it was built without; ``user`` whom a process of root's
    runs as, ``"name group"``. Raises ServingError where a value cannot stand in it.
    """
    for value in (key_uri.replace(";", "").replace("=", "").replace("%", ""), (user or "root").replace(" ", "")):
        if _ONE_WORD.fullmatch(value) is None:
            raise ServingError(ServingReason.FRONT, f"{value[:40]!r} cannot be handed to nginx")
    groups = (*GROUPS, *(GROUPS_TLS13 if openssl >= KNOWS_BRAINPOOL_IN_TLS13 else ()))
    temporary = "".join(f"{one}_temp_path {one};\n" for one in ("fastcgi", "uwsgi", "scgi") if one not in missing)
    return f"""daemon off;
worker_processes 1;
pid nginx.pid;
lock_file nginx.lock;
error_log stderr notice;
{f"user {user};" if user else ""}
env SOFTHSM2_CONF;
env OPENSSL_CONF;
events {{ worker_connections {CONNECTIONS}; }}
http {{
client_body_temp_path body;
proxy_temp_path proxy;
{temporary}map "$upstream_status|$status" $refused_here {{
default 0;
"~^[|]4" 1;
}}
log_format refusal "[error] 0#0: refused with $status before the page was asked";
access_log /dev/stderr refusal if=$refused_here;
server_tokens off;
default_type application/octet-stream;
limit_conn_zone $binary_remote_addr zone=connections:1m;
limit_req_zone $binary_remote_addr zone=requests:1m rate={REQUESTS_PER_SECOND}r/s;
map $uri $file_to {{
default "";
{"".join(f"{one} $binary_remote_addr;{chr(10)}" for one in FILES)}}}
map $file_to $file {{
default 1;
"" "";
}}
limit_conn_zone $file_to zone=files_of_one:1m;
limit_conn_zone $file zone=files:1m;
limit_conn_status 429;
limit_req_status 429;
server {{
{"".join(f"listen {_place(*one)} ssl;{chr(10)}" for one in listening)}server_name _;

ssl_certificate /proc/self/fd/{inherited.certificate};
ssl_certificate_key "engine:pkcs11:{key_uri};pin-source=file:/proc/self/fd/{inherited.pin}";
ssl_protocols TLSv1.2 TLSv1.3;
ssl_ciphers {":".join(SUITES)};
ssl_prefer_server_ciphers on;
ssl_ecdh_curve {":".join(groups)};
ssl_conf_command Ciphersuites {":".join(SUITES_TLS13)};
ssl_conf_command SignatureAlgorithms {SIGNATURES};
ssl_conf_command ClientSignatureAlgorithms {SIGNATURES};
ssl_conf_command Options NoRenegotiation;
ssl_session_tickets off;
ssl_session_cache off;
ssl_early_data off;
ssl_verify_client optional_no_ca;

limit_conn connections {REQUESTS_OF_ONE_ADDRESS};
limit_conn files_of_one {FILES_OF_ONE_ADDRESS};
limit_conn files {FILES_AT_ONCE};
limit_req zone=requests burst={BURST} nodelay;
client_header_buffer_size 2k;
large_client_header_buffers 4 {HEADER_OCTETS};
client_header_timeout {SLOW_SECONDS}s;
client_body_buffer_size {BODY_OCTETS};
client_max_body_size {BODY_OCTETS};
client_body_timeout {SLOW_SECONDS}s;
send_timeout 30s;
lingering_time {SLOW_SECONDS}s;
lingering_timeout 1s;
reset_timedout_connection on;
keepalive_timeout {IDLE_SECONDS}s;
keepalive_time {LONGEST_CONNECTION};
keepalive_requests 1000;

error_page 400 403 404 405 408 411 413 414 416 421 429 500 501 505 /.refused;
error_page 494 =431 /.refused;
error_page 495 496 =400 /.certificate;
error_page 497 =301 /.encrypted;
error_page 502 503 504 =503 /.away;
location = /.refused {{ internal; {_page(400, "Diese Anfrage wurde nicht angenommen", "This request was not taken")} }}
location = /.certificate {{ internal; {_page(400, *_BAD_CERTIFICATE)} }}
location = /.away {{ internal; add_header Retry-After 10 always; {_page(503, *_AWAY)} }}
location = /.encrypted {{ internal; {_HEADERS} return 301 https://$http_host/; }}
location / {{
proxy_pass http://unix:{SOCKET_NAME}:;
proxy_connect_timeout 5s;
proxy_read_timeout {ANSWER_SECONDS}s;
proxy_buffers 16 16k;
proxy_max_temp_file_size 0;
proxy_set_header Host $http_host;
proxy_set_header Connection close;
proxy_set_header X-Client-Certificate $ssl_client_escaped_cert;
proxy_set_header X-Client-Address $remote_addr;
proxy_set_header X-Forwarded-For "";
proxy_set_header X-Forwarded-Proto "";
proxy_set_header Forwarded "";
}}
}}
}}
"""


def configure_openssl(module: Path) -> str:
    """OpenSSL's configuration: the engine that speaks with the token. Raises ServingError."""
    if _ONE_WORD.fullmatch(str(module)) is None:
        raise ServingError(ServingReason.FRONT, f"the path of the PKCS#11 module cannot be handed on: {module}")
    return f"""openssl_conf = all
[all]
engines = engines
[engines]
pkcs11 = pkcs11
[pkcs11]
engine_id = pkcs11
MODULE_PATH = {module}
init = 1
"""


_BAD_CERTIFICATE: Final = (
    "Das Zertifikat dieses Browsers oder Programms ist nicht gültig",
    "The certificate of this browser or program is not good",
)
_AWAY: Final = (
    "Das Gateway antwortet gerade nicht. Bitte in einer Minute noch einmal laden",
    "The gateway does not answer at the moment. Please load this page again in a minute",
)


_HEADERS: Final = "".join(
    f'add_header {name} "{value}" always; ' for name, value in {**HEADERS, "Cache-Control": "no-store"}.items()
).strip()
"""What every answer of the page carries, for those that it never saw."""


def _page(status: int, german: str, english: str) -> str:
    """``return`` with a page of ours; the status of the error is kept where one was."""
    html = (
        "<!doctype html><html lang=de><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>Smart Meter Gateway</title><h1>{german}.</h1><p lang=en>{english}.</p><p><a href='/'>/</a></p></html>"
    )
    return f"default_type 'text/html'; {_HEADERS} return {status} \"{html}\";"


def _place(address: IPv4Address | IPv6Address, port: int) -> str:
    """An address as ``listen`` reads it; it knows no scopes, and compares what it inherits without them."""
    return f"[{IPv6Address(address.packed)}]:{port}" if isinstance(address, IPv6Address) else f"{address}:{port}"
