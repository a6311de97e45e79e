import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from pki.certificates import Purpose, Role
from pki.errors import TunnelError, TunnelReason
from pki.token import Token
from pki.token_tls import StunnelBackend, TokenAddress
from pki.tunnel import Tunnel, TunnelPeer
from smgw.store.errors import StoreError, StoreReason
from smgw.wan.management import GIVE_UP_SECONDS, RETRY_DELAYS, TRANSITIONS, TunnelState
from testbed.small_pki import GATEWAY, Holder
from tests.pki.tunnel_world import clock
from tests.smgw.administration.house import DAY, der
from tests.smgw.wan.management_world import TIMEOUT, WORLD, Place
from tests.softhsm import MODULE, PIN, fresh_token, shared_configuration
from wire.management import ORDERS, STATUS
from wire.orders import BreakUp, Reply, ReplyOutcome, Restart, RunSelfTest

WAITING = TunnelState.WAITING


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    made.tunnel.start()
    yield made
    made.close()


def test_the_gateway_is_woken_dials_serves_and_ends_when_it_is_told(place: Place) -> None:
    """TR-03109-1, wake-up, MANAGEMENT: the gateway dials, and then it is the one that serves."""
    with place.woken() as visit:
        assert visit.tunnel.peer.identity == GATEWAY
        # Asked first: a gateway that answered has noticed that its tunnel is open.
        assert (visit.ask(STATUS).body, place.tunnel.state) == (b'{"version":"1"}', TunnelState.OPEN)
        answer = visit.order(place, 1, RunSelfTest())
        assert Reply.from_bytes(answer.body).result == {"found": 0}
        last = visit.order(place, 2, BreakUp())
        assert (last.status, last.header("connection")) == (200, "close")
        assert visit.ended()
    place.wait_for(WAITING)
    assert place.logged() == [
        ("TUNNEL_OPENED", "gwa"), ("ORDER_DONE", ""), ("ORDER_DONE", ""), ("TUNNEL_ENDED", "break-up"),
    ]  # fmt: skip
    with place.woken() as visit:
        assert visit.ask(STATUS).status == 200


def test_nothing_is_dialled_that_was_not_woken(place: Place) -> None:
    assert place.acceptor.accept(0.1) is None
    assert place.tunnel.state is WAITING


def test_a_second_wake_up_is_written_down_and_changes_nothing(place: Place) -> None:
    with place.woken() as visit:
        assert visit.ask(STATUS).status == 200
        place.tunnel.wake()
        place.tunnel.wake()
        assert visit.ask(STATUS).status == 200
        assert visit.order(place, 1, BreakUp()).status == 200
    place.wait_for(WAITING)
    assert place.acceptor.accept(0) is None
    ignored = [entry for entry in place.house.logged() if entry.event.value == "WAKE_UP_IGNORED"]
    assert [(entry.parameters, entry.repetition_count) for entry in ignored] == [({"reason": "open"}, 1)]


def test_a_wake_up_while_dialling_changes_nothing(tmp_path: Path) -> None:
    place = Place(tmp_path, delays=(1000.0,))
    place.deafen()
    place.tunnel.start()
    place.tunnel.wake()
    place.tunnel.wake()
    place.wait_for(TunnelState.DIALLING)
    assert ("WAKE_UP_IGNORED", "dialling") in place.logged()
    place.close()
    assert place.tunnel.state is TunnelState.STOPPED


def test_where_nobody_answers_there_is_silence_after_a_few_attempts(tmp_path: Path) -> None:
    place = Place(tmp_path, delays=(0.0, 0.0, 0.0))
    port = place.deafen()
    place.tunnel.start()
    place.tunnel.wake()
    place.wait_for(WAITING)
    (entry,) = place.house.logged()
    assert (entry.event.value, entry.parameters) == ("TUNNEL_FAILED", {"reason": "unreachable"})
    assert entry.repetition_count == 3
    place.acceptor = place.listen(place.house.tls, port)
    assert place.acceptor.accept(0.1) is None
    with place.woken() as visit:
        assert visit.ask(STATUS).status == 200
    place.close()


def test_an_attempt_may_meet_an_administrator_that_comes_a_little_later(tmp_path: Path) -> None:
    place = Place(tmp_path, delays=(0.2,) * 200)
    port = place.deafen()
    place.tunnel.start()
    place.tunnel.wake()
    place.acceptor = place.listen(place.house.tls, port)
    visit = place.arrival()
    assert visit.ask(STATUS).status == 200
    visit.close()
    place.close()


def test_all_attempts_fit_into_two_minutes() -> None:
    assert sum(RETRY_DELAYS) < GIVE_UP_SECONDS == 120


@dataclass
class SlowNetwork:
    """Nobody is there, and each attempt takes almost a minute to find out."""

    place: Place = field(init=False)
    timeouts: list[float] = field(default_factory=list)

    def open(self, _: TunnelPeer, *, timeout: float) -> Tunnel:
        self.timeouts.append(timeout)
        self.place.wait(59.0)
        raise TunnelError(TunnelReason.TIMEOUT, "nobody")


def test_after_two_minutes_no_attempt_begins(tmp_path: Path) -> None:
    network = SlowNetwork()
    place = network.place = Place(tmp_path, backend=network, delays=(0.0,) * 9)
    place.tunnel.start()
    place.tunnel.wake()
    place.wait_for(WAITING)
    assert len(network.timeouts) == 3
    assert network.timeouts[-1] <= 2
    place.close()


@pytest.mark.parametrize("role", [Role.GWA, Role.EMT, Role.SMGW])
def test_somebody_else_at_the_administrators_address_gets_no_second_attempt(tmp_path: Path, role: Role) -> None:
    name = "EABC0012345679" if role is Role.SMGW else "Stadtwerke"
    place = Place(tmp_path, delays=(0.0, 0.0))
    port = place.deafen()
    place.acceptor = place.listen(WORLD.pki.holder(role, Purpose.TLS, name), port)
    place.tunnel.start()
    place.tunnel.wake()
    incoming = place.acceptor.accept(TIMEOUT)
    assert incoming is not None
    with pytest.raises(Exception, match=r"handshake|cut off|connection"):
        incoming.shake_hands(TIMEOUT)
    place.wait_for(WAITING)
    assert place.logged() == [("TUNNEL_FAILED", "peer-certificate")]
    assert place.house.logged()[0].repetition_count == 0
    place.close()


def of_another_party(place: Place) -> None:
    place.house.change(signature_certificate=der(WORLD.pki.holder(Role.GWA, Purpose.SIG, "Andere")))


def of_a_participant(place: Place) -> None:
    place.house.change(tls_certificate=der(WORLD.pki.holder(Role.EMT, Purpose.TLS, "Stadtwerke")))


def with_stale_lists(place: Place) -> None:
    place.house.trust = WORLD.pki.trust(now=clock() - 60 * DAY)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda place: setattr(place.house, "profile", None), "no-administrator"),
        (lambda place: place.house.change(valid_until=clock().replace(microsecond=0)), "no-administrator"),
        (lambda place: place.house.change(valid_from=clock().replace(microsecond=0) + DAY), "no-administrator"),
        (lambda place: place.revoke(place.house.tls), "administrator-certificate"),
        (lambda place: place.revoke(place.house.sig), "administrator-certificate"),
        (of_another_party, "administrator-certificate"),
        (of_a_participant, "administrator-certificate"),
        (with_stale_lists, "administrator-certificate"),
        (lambda place: setattr(place, "serves", False), "secure-state"),
    ],
)  # fmt: skip
def test_nobody_is_dialled_who_is_no_good_administrator(
    place: Place, change: Callable[[Place], None], reason: str
) -> None:
    change(place)
    place.tunnel.wake()
    place.wait_for(WAITING)
    assert place.acceptor.accept(0) is None
    assert place.logged() == [("TUNNEL_FAILED", reason)]


def over(place: Place) -> None:
    """Its certificate has ended, and everything else is good at that time."""
    place.later = place.house.tls.certificate.not_valid_after_utc - clock() + timedelta(hours=1)
    place.house.trust = WORLD.pki.trust(now=clock() + place.later - timedelta(minutes=1))
    place.house.change(valid_until=(clock() + place.later + DAY).replace(microsecond=0))


def replaced(place: Place) -> None:
    place.house.change(tls_certificate=der(WORLD.pki.holder(Role.GWA, Purpose.TLS, "Stadtwerke")))


@pytest.mark.parametrize(
    ("change", "ending"),
    [
        (lambda place: place.revoke(place.house.tls), "certificate"),
        (lambda place: place.revoke(place.house.sig), "certificate"),
        (over, "certificate"),
        (with_stale_lists, "certificate"),
        (replaced, "changed"),
        (lambda place: setattr(place, "serves", False), "secure-state"),
        (lambda place: setattr(place.house, "profile", None), "changed"),
        (lambda place: place.wait(601.0), "idle"),
        (lambda place: place.wait(3601.0), "session"),
        (lambda place: place.tunnel.stop(), "stopped"),
    ],
)
def test_an_idle_tunnel_ends_as_soon_as_it_rests_on_nothing(
    place: Place, change: Callable[[Place], None], ending: str
) -> None:
    with place.woken() as visit:
        assert visit.ask(STATUS).status == 200
        # Time that passes while the gateway still sends its answer is no idle time: a second lapse is.
        change(place)
        if not visit.ended(timeout=3.0):
            change(place)
            assert visit.ended()
    place.wait_for(WAITING, TunnelState.STOPPED)
    assert place.logged()[-1] == ("TUNNEL_ENDED", ending)


def test_a_request_after_the_revocation_is_not_served(place: Place) -> None:
    with place.woken() as visit:
        assert visit.ask(STATUS).status == 200
        document = place.house.sign(place.house.order(1, RunSelfTest()))
        place.revoke(place.house.tls)
        with pytest.raises(Exception, match=r"ended the tunnel|closed|broke|cut off"):
            visit.ask(ORDERS, document, "POST")
    assert place.tested == []


def test_an_answer_that_was_lost_with_its_tunnel_is_given_again(place: Place) -> None:
    document = place.house.sign(place.house.order(1, RunSelfTest()))
    with place.woken() as visit:
        visit.tunnel.send(visit.client.request(ORDERS, "gateway", {}, document))
        visit.close()
    place.wait_for(WAITING)
    with place.woken() as visit:
        reply = Reply.from_bytes(visit.ask(ORDERS, document, "POST").body)
    assert (reply.outcome, reply.result) == (ReplyOutcome.DONE, {"found": 0})
    assert len(place.tested) == 1


def test_the_process_is_restarted_once_the_tunnel_is_closed(place: Place) -> None:
    with place.woken() as visit:
        answer = visit.order(place, 1, Restart())
        assert (answer.status, visit.ended()) == (200, True)
    place.wait_for(WAITING)
    assert place.logged()[-1] == ("TUNNEL_ENDED", "restart")
    place.tunnel.stop()
    assert place.restarts == 1


def test_what_follows_a_tunnel_never_ends_the_waiting_for_the_next(tmp_path: Path) -> None:
    def fail() -> None:
        message = "a defect of ours"
        raise RuntimeError(message)

    place = Place(tmp_path, ended=fail)
    place.tunnel.start()
    for _ in range(2):
        with place.woken() as visit:
            assert visit.ask(STATUS).status == 200
        place.wait_for(WAITING)
    place.close()


def test_it_can_be_stopped_before_it_starts_and_again(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.tunnel.stop()
    place.tunnel.start()
    place.tunnel.wake()
    place.tunnel.stop()
    assert place.tunnel.state is TunnelState.STOPPED
    assert place.logged() == []
    assert place.acceptor.accept(0) is None
    place.close()


def test_a_fault_of_the_store_ends_the_attempt_and_not_the_thread(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    place.faults.append(StoreError(StoreReason.BUSY, "busy"))
    place.tunnel.wake()
    place.wait_for(WAITING)
    assert place.logged() == [("TUNNEL_FAILED", "fault")]
    assert "busy" in caplog.text
    with place.woken() as visit:
        assert visit.ask(STATUS).status == 200
        place.faults.append(StoreError(StoreReason.BUSY, "busy"))
        assert visit.ended()
    place.wait_for(WAITING)
    assert [entry[1] for entry in place.logged()] == ["fault", "gwa", "fault"]


def test_a_store_that_takes_no_entry_keeps_nobody_out(place: Place) -> None:
    with place.house.database.write() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER no_room BEFORE INSERT ON log_entries BEGIN SELECT RAISE(ABORT, 'no room'); END"
        )
    with place.woken() as visit:
        place.tunnel.wake()
        assert visit.ask(STATUS).status == 200
    assert place.logged() == []


@dataclass
class StoppedMeanwhile:
    """A backend whose handshake ends at the very moment at which the gateway is stopped."""

    place: Place = field(init=False)

    def open(self, peer: TunnelPeer, *, timeout: float) -> Tunnel:
        opened = self.place.make_backend(self.place.identity(), WORLD.trust).open(peer, timeout=timeout)
        self.place.tunnel.stop()
        return opened


def test_a_tunnel_that_comes_up_while_the_gateway_stops_is_closed_at_once(tmp_path: Path) -> None:
    backend = StoppedMeanwhile()
    place = backend.place = Place(tmp_path, backend=backend)
    place.tunnel.start()
    with place.woken() as visit:
        assert visit.ended()
    place.tunnel.stop()
    assert place.logged() == [("TUNNEL_ENDED", "stopped")]
    place.close()


def test_a_state_is_left_only_as_the_table_says(tmp_path: Path) -> None:
    place = Place(tmp_path)
    with pytest.raises(RuntimeError):
        place.tunnel._enter(TunnelState.OPEN)
    place.close()


def test_every_state_can_be_stopped_and_only_waiting_hears_a_wake_up() -> None:
    assert set(TRANSITIONS) == set(TunnelState)
    stoppable = {state for state, then in TRANSITIONS.items() if TunnelState.STOPPED in then}
    assert stoppable == set(TunnelState) - {TunnelState.STOPPED}
    assert {state for state, then in TRANSITIONS.items() if TunnelState.DIALLING in then} == {WAITING}


@pytest.mark.token
@pytest.mark.peer
def test_the_whole_of_it_with_the_key_in_the_token(tmp_path: Path) -> None:
    label = fresh_token()
    with Token.open(MODULE, label, PIN, monotonic=time.monotonic) as token:
        public = token.generate_key("TLS", ec.BrainpoolP256R1()).public_key()
        certificate = WORLD.pki.certify(public, Role.SMGW, Purpose.TLS, GATEWAY)
    address = TokenAddress(MODULE, label, {"SOFTHSM2_CONF": str(shared_configuration())})
    chain = (certificate, WORLD.pki.hierarchy.sub_ca.certificate)
    backend = StunnelBackend(address, PIN, chain, WORLD.trust, clock=clock)
    place = Place(tmp_path, backend=backend, gateway=Holder(certificate, WORLD.gateway.key))
    place.tunnel.start()
    with place.woken() as visit:
        assert visit.tunnel.peer.certificate == certificate
        assert visit.ask(STATUS).status == 200
        assert visit.order(place, 1, RunSelfTest()).status == 200
        place.revoke(place.house.tls)
        assert visit.ended()
    place.wait_for(WAITING)
    assert place.logged()[-1] == ("TUNNEL_ENDED", "certificate")
    place.close()
