"""A tunnel that is kept ends when its peer is believed no more; the tunnel here is a real one."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pki.certificates import Purpose, Role, TrustStore
from pki.revoke import Revocation
from pki.tls import InProcessBackend, TlsIdentity, server_context
from pki.tunnel import TunnelBackend
from smgw.store.logs import Event, SystemLog
from smgw.wan import kept
from smgw.wan.kept import KeptTunnel
from smgw.wan.sender import LONGEST_WAIT, Sender
from testbed.small_pki import SmallPki
from tests.smgw.store import samples
from tests.smgw.wan.receiver import STORED, Receiver, TlsReceiver
from tests.smgw.wan.station import Station, der

NOW = datetime.now(UTC).replace(microsecond=0)
"""A handshake looks at the clock of the machine."""
DAY = timedelta(days=1)


class Clock:
    """Seconds that only the test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class Secured(Station):
    """A station whose sender dials with mutual TLS, as the one with the key in process memory does."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.own = self.pki.holder(Role.SMGW, Purpose.TLS, samples.GATEWAY.text)

    def secure(self, receiver: Receiver) -> None:
        validity: dict[str, Any] = {"valid_from": NOW - 30 * DAY, "valid_until": NOW + 30 * DAY}
        self.change(**validity)
        party = replace(self.profiles.communications["grid"], port=receiver.port, **validity)
        self.profiles = self.profiles.with_profile(party)
        identity = TlsIdentity((self.own.certificate, self.pki.hierarchy.sub_ca.certificate), self.own.key)
        backend: TunnelBackend = InProcessBackend(identity, self.trust, clock=lambda: NOW)
        self.sender = Sender("grid", self.sender.identity, replace(self.sender.ports, backend=backend))


@pytest.fixture
def secured(tmp_path: Path) -> Iterator[tuple[Secured, TlsReceiver, Clock]]:
    clock, pki = Clock(), SmallPki(now=NOW - timedelta(minutes=1))
    station = Secured(pki, tmp_path, Receiver(lambda _: STORED), monotonic=clock)
    chain = (station.peer.certificate, pki.hierarchy.sub_ca.certificate)
    receiver = TlsReceiver(lambda _: STORED, server_context(TlsIdentity(chain, station.peer.key), pki.trust()))
    station.secure(receiver)
    yield station, receiver, clock
    station.close()
    receiver.close()


def session_of(station: Station) -> kept.Session | None:
    return station.sender._kept.session


def test_a_revocation_cuts_a_tunnel_that_idles(secured: tuple[Secured, TlsReceiver, Clock]) -> None:
    """FTP_ITC.1/WAN: a channel is trusted as long as its peer is."""
    station, receiver, _ = secured
    station.owe(0)
    station.sender.step(NOW)
    assert session_of(station) is not None, station.sender.progress
    station.sender.step(NOW)
    station.sender.step(NOW)
    assert (session_of(station) is not None, receiver.connections) == (True, 1)
    station.trust = station.pki.trust(sub_ca=(Revocation(station.peer.certificate.serial_number, NOW),))
    station.sender.step(NOW)
    assert session_of(station) is None
    (told,) = (entry for entry in SystemLog(station.database).entries() if entry.event is Event.TUNNEL_ENDED)
    assert (told.subject, told.parameters) == ("grid", {"reason": "revoked"})
    station.owe(1)
    station.sender.step(NOW)
    assert (session_of(station), len(receiver.bodies)) == (None, 1)


def test_a_certificate_that_ends_by_itself_is_noticed_within_a_minute(
    secured: tuple[Secured, TlsReceiver, Clock],
) -> None:
    """Nobody brings new lists: the ones at hand become stale, and after a minute the tunnel is looked at again."""
    station, _, clock = secured
    station.owe(0)
    station.sender.step(NOW)
    end = min(crl.next_update_utc for crl in station.trust.crls if crl.next_update_utc is not None)
    clock.seconds = kept.VERIFY_SECONDS - 1
    station.sender._end_session(station.profiles.communications["grid"], end)
    assert session_of(station) is not None
    clock.seconds = kept.VERIFY_SECONDS
    station.sender._end_session(station.profiles.communications["grid"], end)
    assert session_of(station) is None
    assert LONGEST_WAIT.total_seconds() >= kept.VERIFY_SECONDS, "a sender looks at least this often"


def test_a_good_certificate_is_believed_for_a_minute_by_the_same_lists(
    secured: tuple[Secured, TlsReceiver, Clock], monkeypatch: pytest.MonkeyPatch
) -> None:
    station, _, clock = secured
    looks: list[None] = []
    verify = TrustStore.verify

    def counted(*arguments: object, **named: object) -> object:
        looks.append(None)
        return verify(*arguments, **named)  # type: ignore[arg-type]

    station.owe(0)
    station.sender.step(NOW)
    monkeypatch.setattr(TrustStore, "verify", counted)
    keep, party = station.sender._kept, station.profiles.communications["grid"]
    again = station.pki.trust(number=2)
    for seconds, trust, expected in ((1, station.trust, 0), (59, again, 1), (60, again, 1), (119, again, 2)):
        clock.seconds = float(seconds)
        assert keep.end_what_is_over(party, trust, NOW, station.signer.certificate) is None
        assert len(looks) == expected
    assert keep.session is not None


@pytest.mark.parametrize("change", ["gone", "over", "aged", "moved", "pinned", "renewed"])
def test_other_ends(secured: tuple[Secured, TlsReceiver, Clock], change: str) -> None:
    station, _, clock = secured
    station.owe(0)
    station.sender.step(NOW)
    party = station.profiles.communications["grid"]
    cases: dict[str, Callable[[], object]] = {
        "gone": lambda: None,
        "over": lambda: replace(party, valid_until=NOW),
        "aged": lambda: party,
        "renewed": lambda: party,
        "moved": lambda: replace(party, port=1),
        "pinned": lambda: replace(party, tls_certificate=der(station.pki.holder(Role.EMT, Purpose.TLS))),
    }
    clock.seconds = float(party.session_seconds) if change == "aged" else 0.0
    ours = (station.own if change == "renewed" else station.signer).certificate
    keep: KeptTunnel = station.sender._kept
    assert keep.end_what_is_over(cases[change](), station.trust, NOW, ours) is None  # type: ignore[arg-type]
    assert keep.session is None
    assert keep.end_what_is_over(party, station.trust, NOW, ours) is None, "nothing is open any more"
