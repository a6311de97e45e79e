"""Deliveries verified and stored, as a share of what the bare cryptography of the same messages costs in the same run.

The limit is physical: nobody can accept a message without one ECDSA verification, one ECDH agreement, a key unwrap and
one AES-GCM pass, and its share of a handshake. Ours over that is what everything else costs: CMS, XML, certificates,
rules, rows, commit. Processor time of our process counts; PostgreSQL's is stated beside it, and in a ratio of both.
"""

import secrets
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.x963kdf import X963KDF
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap, aes_key_wrap
from OpenSSL import SSL

from pki.certificates import TrustStore
from pki.tls import TlsIdentity, client_context, server_context
from testbed import postgres
from testbed.bench.figures import ROUNDS, Figure
from testbed.bench.participants import Holder, Participants
from wire.cosem_xml import MEDIA_TYPE

PER_ROUND = 60
"""Messages of one round; 7 rounds of them stay below half a minute on a slow core."""
SHAPES = {"one quarter hour": 1, "one day of quarter hours": 96}
PER_SESSION = {"192 deliveries a handshake (15 min, 48 h)": 192, "10 deliveries a handshake": 10}
TARGET = 0.5


@dataclass(frozen=True, slots=True)
class Cost:
    """Milliseconds of processor time for one message: bare cryptography, our process, the database's processes."""

    bare: float
    ours: float
    server: float


def run() -> list[Figure]:
    """Measure both databases; PostgreSQL is left out, with a note, where it is not installed."""
    with tempfile.TemporaryDirectory(prefix="smgw-bench-") as name:
        participants = Participants(Path(name))
        handshake = _handshake_milliseconds(participants)
        figures = [
            Figure("ingest: one brainpoolP256r1 handshake, server's side", handshake, "ms"),
            Figure(
                "ingest: the same with secp256r1 as key exchange",
                _handshake_milliseconds(participants, both_groups=True) / handshake,
                "",
                against="brainpoolP256r1",
            ),
        ]
        figures += _figures(participants, "SQLite", sa.make_url(f"sqlite:///{name}/bench.db"), handshake, None)
        if postgres.programs_folder() is None:
            return [*figures, Figure("ingest: PostgreSQL", 0, "", note="not installed: not measured")]
        with postgres.cluster() as cluster:
            url = cluster.create_database("bench")
            figures += _figures(participants, "PostgreSQL", url, handshake, cluster.processor_seconds)
    return figures


def _figures(
    participants: Participants, database: str, url: sa.URL, handshake: float, server: Callable[[], float] | None
) -> list[Figure]:
    figures = []
    for shape, readings in SHAPES.items():
        cost = _measure(participants, url, readings, f"{database}-{readings}", server)
        name = f"ingest, {database}, {shape}"
        note = f"bare {cost.bare:.3f} ms, ours {cost.ours:.3f} ms, database's own {cost.server:.3f} ms a message"
        figures.append(Figure(f"{name}: deliveries", 1000 / cost.ours, "1/s and core", note=note))
        for session, deliveries in PER_SESSION.items():
            share = handshake / deliveries
            ratio = (cost.bare + share) / (cost.ours + share)
            both = (cost.bare + share) / (cost.ours + cost.server + share)
            asked = f">= {TARGET}" if database == "PostgreSQL" and readings == 1 else ""
            figures.append(
                Figure(
                    f"{name}, {session}",
                    ratio,
                    "",
                    against="bare cryptography",
                    target=asked,
                    note=f"{both:.2f} with the database's own processor time" if server else "",
                )
            )
    return figures


def _measure(
    participants: Participants, url: sa.URL, readings: int, profile: str, server: Callable[[], float] | None
) -> Cost:
    """Median over rounds, bare and ours in turn; the messages of a round were never seen before."""
    ingest = participants.ingest(url)
    warm_up = 20
    bodies = participants.deliveries(warm_up + ROUNDS * PER_ROUND, readings, profile)
    certificate, at = participants.gateway_tls.certificate, participants.now

    def deliver(batch: Sequence[bytes]) -> None:
        for body in batch:
            identity = ingest.admit(certificate, at=at)
            ingest.ingest(body, media_type=MEDIA_TYPE, tunnel_identity=identity, at=at)

    deliver(bodies[:warm_up])
    bare = _bare(participants, bodies[0])
    bare_rounds, our_rounds = [], []
    before = server() if server else 0.0
    for number in range(ROUNDS):
        batch = bodies[warm_up + number * PER_ROUND :][:PER_ROUND]
        bare_rounds.append(_milliseconds(lambda: [bare() for _ in range(PER_ROUND)]))
        our_rounds.append(_milliseconds(lambda batch=batch: deliver(batch)))  # type: ignore[misc]
    spent = (server() - before if server else 0.0) * 1000 / (ROUNDS * PER_ROUND)
    return Cost(statistics.median(bare_rounds), statistics.median(our_rounds), spent)


def _milliseconds(action: Callable[[], object]) -> float:
    begin = time.process_time()
    action()
    return (time.process_time() - begin) * 1000 / PER_ROUND


def _bare(participants: Participants, body: bytes) -> Callable[[], object]:
    """The four operations that no receiver of this message can avoid, on data of its sizes."""
    algorithm = ec.ECDSA(SHA256())
    attributes = secrets.token_bytes(120)
    signature = participants.gateway_signature.key.sign(attributes, algorithm)
    verifier = participants.gateway_signature.key.public_key()
    ephemeral = ec.generate_private_key(ec.BrainpoolP256R1()).public_key()
    own = participants.own_encryption.key
    wrapping, content_key, nonce = (secrets.token_bytes(size) for size in (16, 16, 12))
    wrapped = aes_key_wrap(wrapping, content_key)
    ciphertext = AESGCM(content_key).encrypt(nonce, body, None)

    def operations() -> bytes:
        verifier.verify(signature, attributes, algorithm)
        X963KDF(SHA256(), 16, b"").derive(own.exchange(ec.ECDH(), ephemeral))
        return AESGCM(aes_key_unwrap(wrapping, wrapped)).decrypt(nonce, ciphertext, None)

    return operations


def _handshake_milliseconds(participants: Participants, *, both_groups: bool = False) -> float:
    """Processor time of the server's side of a full mutual handshake, median of 31, in memory.

    The key exchange is on brainpoolP256r1, as in the messages; with ``both_groups`` on secp256r1, as it is chosen where
    both ends may.
    """
    trust = TrustStore.from_folder(participants.folder / "trust")
    sub_ca = participants.authorities.sub_ca.certificate

    def identity(holder: Holder) -> TlsIdentity:
        return TlsIdentity((holder.certificate, sub_ca), holder.key)

    accepting = server_context(identity(participants.own_tls), trust)
    dialling = client_context(identity(participants.gateway_tls), trust)
    accepting.set_max_proto_version(SSL.TLS1_2_VERSION)
    if not both_groups:
        accepting.set_tmp_ecdh(ec.BrainpoolP256R1())
    spent = []
    for _ in range(31):
        client, server = SSL.Connection(dialling, None), SSL.Connection(accepting, None)
        client.set_connect_state()
        server.set_accept_state()
        mine, done = 0.0, False
        while not done:
            client_done = _step(client)
            _carry(client, server)
            begin = time.process_time()
            done = _step(server) and client_done
            mine += time.process_time() - begin
            _carry(server, client)
        spent.append(mine * 1000)
    return statistics.median(spent)


def _step(end: SSL.Connection) -> bool:
    try:
        end.do_handshake()
    except SSL.WantReadError:
        return False
    return True


def _carry(source: SSL.Connection, target: SSL.Connection) -> None:
    try:
        while True:
            target.bio_write(source.bio_read(65_536))
    except SSL.WantReadError:
        pass
