"""What it costs to wake and configure one gateway of a fleet of 200, beside one bare TLS handshake and one signature.

The run is that of ``smgw-testbed fleet``: gateways in this process, ``smgw-admin serve`` and ``smgw-admin fleet
configure`` as processes of their own, every store on the disk, the administrator's signatures in SoftHSM2. "Bare" is a
mutual TLS handshake of the same contexts between two buffers of one process and one ECDSA signature with a software
key: what no way of configuring a gateway can do without.
"""

import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from OpenSSL import SSL

from admin.config import Configuration
from admin.serve import tls_identity
from pki.certificates import Purpose
from pki.tls import TlsIdentity, chain_of, client_context, server_context
from testbed.bench.figures import ROUNDS, Figure
from testbed.demo.processes import Children
from testbed.fleet.command import administer, answers, running
from testbed.fleet.ground import Ground

GATEWAYS: Final = 200
PARALLEL: Final = 32
_BARE_TIMES: Final = 10
_ECDSA: Final = ec.ECDSA(SHA256())
_CHUNK: Final = 65_536


def run() -> list[Figure]:
    """Configure 200 gateways once; bare handshakes before and after it."""
    with tempfile.TemporaryDirectory() as folder:
        ground = Ground(Path(folder) / "fleet")
        begun = time.monotonic()
        ground.prepare(GATEWAYS)
        prepared = time.monotonic() - begun
        bare = _bare(ground)
        seconds = [_timed(bare) for _ in range(ROUNDS)]
        begun = time.monotonic()
        with running(ground, ground.administrator()), Children(ground.state / "logs") as children:
            listening = time.monotonic() - begun
            port = Configuration.load(ground.configuration).management.port
            children.start("administrator", administer(ground, "serve"), ready=lambda: answers(port))
            entered = administer(ground, "fleet", "add", str(ground.list), "--state", "operating")
            subprocess.run(entered, check=True, capture_output=True)
            words = [word for draft in ground.drafts for word in ("--profiles", str(draft))]
            words += ["--gateways", str(ground.list), "--parallel", str(PARALLEL), "--json"]
            told = json.loads(
                subprocess.run(administer(ground, "fleet", "configure", *words), check=True, capture_output=True).stdout
            )
        seconds += [_timed(bare) for _ in range(ROUNDS)]
    if told["confirmed"] != GATEWAYS:
        raise RuntimeError(f"{told['confirmed']} of {GATEWAYS} gateways were configured")
    least = statistics.median(seconds)
    whole = told["milliseconds"] / 1000
    each = [result["milliseconds"] / 1000 for result in told["results"]]
    cores = len(os.sched_getaffinity(0))
    note = f"{whole:.1f} s for {GATEWAYS}, {PARALLEL} at a time, {cores} cores; bare: {least * 1000:.1f} ms"
    start = f"before that: {prepared:.1f} s for keys and certificates, {listening:.1f} s until all listened"
    return [
        Figure(
            "wake and configure one gateway of 200",
            whole / GATEWAYS / least,
            "x",
            "bare handshake + signature",
            note=note,
        ),
        Figure(f"{GATEWAYS} gateways woken and configured in one run", whole, "s", note=start),
        Figure("- one gateway from its turn to its confirmation, p50", statistics.median(each), "s"),
    ]


def _bare(ground: Ground) -> Callable[[], object]:
    """One handshake of the administrator's server and a gateway, and one signature."""
    holder = ground.members()[0].holders()[Purpose.TLS]
    with ground.office() as office:
        trust = office.trust()
        server = server_context(tls_identity(office, trust), trust)
    client = client_context(TlsIdentity(chain_of(holder.certificate, trust), holder.key), trust)

    def run_once() -> None:
        ends = SSL.Connection(client, None), SSL.Connection(server, None)
        ends[0].set_connect_state()
        ends[1].set_accept_state()
        waiting = list(ends)
        while waiting:
            for one, other in (ends, ends[::-1]):
                if one in waiting:
                    try:
                        one.do_handshake()
                        waiting.remove(one)
                    except SSL.WantReadError:
                        pass
                try:
                    other.bio_write(one.bio_read(_CHUNK))
                except SSL.WantReadError:
                    continue
        holder.key.sign(bytes(1000), _ECDSA)

    return run_once


def _timed(action: Callable[[], object]) -> float:
    """Seconds of one action, on the wall."""
    begun = time.monotonic()
    for _ in range(_BARE_TIMES):
        action()
    return (time.monotonic() - begun) / _BARE_TIMES
