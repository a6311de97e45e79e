from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pki import cms
from pki.certificates import Purpose, Role
from pki.errors import TunnelReason
from pki.revoke import Revocation
from smgw.store import outbox
from smgw.store.logs import Event, SystemLog
from smgw.store.outbox import Balance, Outbox
from smgw.wan import retry
from smgw.wan.exchange import Deferral
from smgw.wan.sender import SECURE_STATE
from testbed.small_pki import NOW
from tests.smgw.store import samples
from tests.smgw.wan.receiver import DUPLICATE, STORED, Answer, http
from tests.smgw.wan.station import DAY, Station, der
from wire.cosem_xml import MEDIA_TYPE
from wire.profiles import UseCase
from wire.reading import DeviceId

MakeStation = Callable[[Answer], Station]
MINUTE = timedelta(minutes=1)


def store(_: bytes) -> bytes:
    return STORED


def balance(station: Station) -> Balance:
    return Outbox(station.database).balance("grid-1")


def test_what_is_owed_arrives_sealed_and_is_acknowledged(station_with: MakeStation) -> None:
    """TR-03109-1, INFO-REPORT."""
    station = station_with(store)
    station.owe(0, 1)
    assert station.sender.step(NOW) == NOW, "there may be more"
    (body,), (request,) = station.receiver.bodies, station.receiver.requests
    progress = station.sender.progress["grid-1"]
    assert progress.shortest == progress.longest == len(body)
    content = station.opened(body)
    assert (content.gateway, content.profile, content.use_case) == (samples.GATEWAY, "grid-1", UseCase.TAF_7)
    assert (content.sequence, content.created_at) == (1, NOW)
    assert content.readings == (samples.reading(0), samples.reading(1))
    assert (request.method, request.target) == (b"POST", b"/deliveries")
    headers = dict(request.headers)
    assert headers[b"content-type"] == MEDIA_TYPE.encode()
    assert headers[b"host"] == f"127.0.0.1:{station.receiver.port}".encode()
    assert b"1ISK" not in body
    assert balance(station) == Balance(owed=0, open=0, acknowledged=1, set_aside=0)
    assert station.sender.step(NOW) == NOW, "found nothing more: dispatched"
    assert NOW < station.sender.step(NOW) <= NOW + MINUTE


def test_in_a_secure_state_nothing_leaves_and_all_of_it_later(station_with: MakeStation) -> None:
    station = station_with(store)
    station.owe(0)
    station.run(NOW, NOW + timedelta(seconds=3))
    allowed = {"now": False}
    station.sender.ports = replace(station.sender.ports, may_deliver=lambda _: allowed["now"])
    station.owe(1)
    assert station.sender.step(NOW + DAY) == NOW + DAY + MINUTE
    assert station.sender._kept.session is None, "no tunnel is kept either"
    assert station.sender.progress["grid-1"].last_error == SECURE_STATE
    assert (len(station.receiver.bodies), balance(station).owed) == (1, 1)
    allowed["now"] = True
    station.sender.step(NOW + DAY)
    assert [station.opened(body).sequence for body in station.receiver.bodies] == [1, 2]


def test_a_secure_state_that_begins_while_it_is_sealed_keeps_it_back(station_with: MakeStation) -> None:
    station = station_with(store)
    station.owe(0)
    answers = iter([True])
    station.sender.ports = replace(station.sender.ports, may_deliver=lambda _: next(answers, False))
    station.sender.step(NOW)
    assert station.receiver.bodies == []
    assert balance(station) == Balance(owed=0, open=1, acknowledged=0, set_aside=0)


def test_nothing_leaves_before_its_dispatch_time(station_with: MakeStation) -> None:
    station = station_with(store)
    station.owe(0)
    station.run(NOW, NOW + timedelta(seconds=3))
    station.owe(1)
    station.run(NOW + timedelta(seconds=3), NOW + timedelta(seconds=30))
    assert len(station.receiver.bodies) == 1
    station.run(NOW + timedelta(seconds=30), NOW + timedelta(seconds=1000))
    assert [station.opened(body).sequence for body in station.receiver.bodies] == [1, 2]
    assert station.receiver.connections == 1, "one kept tunnel"


def test_a_restart_keeps_the_rhythm(station_with: MakeStation) -> None:
    """Gateways that lost their power together do not dispatch at the moment it returns."""
    station = station_with(store)
    station.owe(0)
    station.run(NOW, NOW + timedelta(seconds=3))
    station.owe(1)
    station.sender.close()
    station.sender = station.start()
    station.run(NOW + timedelta(seconds=3), NOW + timedelta(seconds=10))
    assert len(station.receiver.bodies) == 1


@pytest.mark.parametrize("status", [204, 301, 400, 401, 403, 404, 413, 415, 429, 500, 502, 503])
def test_any_other_status_leaves_it_owed(station_with: MakeStation, status: int) -> None:
    station = station_with(lambda _: http(status, b"") if status != 204 else b"HTTP/1.1 204 X\r\n\r\n")
    station.owe(0)
    station.sender.step(NOW)
    assert balance(station).open == 1
    assert station.sender.progress["grid-1"].last_error.startswith(Deferral.REFUSED_FOR_NOW)


@pytest.mark.parametrize(
    "body",
    [b"", b"stored", b'{"result":"ok"}', b'{"result":["stored"]}', b'{"result":"stored","more":1}', b'["stored"]',
     b'{"result":"stored"}' + b" " * 5000, b"\xff", b"[" * 4000],
)  # fmt: skip
def test_status_200_is_not_enough(station_with: MakeStation, body: bytes) -> None:
    station = station_with(lambda _: http(200, body))
    station.owe(0)
    station.sender.step(NOW)
    assert balance(station).open == 1
    assert station.sender.progress["grid-1"].last_error.startswith(Deferral.UNEXPECTED_ANSWER)


def test_a_refusal_for_good_is_set_aside_and_the_next_goes_on(station_with: MakeStation) -> None:
    answers = [http(422, b'{"reason":"CONFLICT"}'), STORED]
    station = station_with(lambda _: answers.pop(0))
    station.owe(0)
    station.sender.step(NOW)
    station.owe(1)
    station.sender.step(NOW)
    assert balance(station) == Balance(owed=0, open=0, acknowledged=1, set_aside=1)
    assert Outbox(station.database).set_aside_reasons("grid-1") == {1: "CONFLICT"}
    assert Event.DELIVERY_SET_ASIDE in {entry.event for entry in SystemLog(station.database).entries()}


def test_died_after_commit_before_its_answer(station_with: MakeStation) -> None:
    """The receiver has it, we do not know: it is sent again, identical inside, and the word duplicate settles it."""
    answers = [None, DUPLICATE, STORED]
    station = station_with(lambda _: answers.pop(0))
    station.owe(0, 1)
    station.sender.step(NOW)
    assert balance(station).open == 1
    station.owe(2)
    station.sender.close()
    station.sender = station.start()
    station.run(NOW + MINUTE, NOW + 5 * MINUTE)
    first, second = (station.opened(body) for body in station.receiver.bodies[:2])
    assert first == second
    assert balance(station).acknowledged == 2
    assert station.sender.progress["grid-1"].duplicates == 1


def test_a_kept_tunnel_that_was_closed_meanwhile_is_replaced_at_once(station_with: MakeStation) -> None:
    station = station_with(store)
    station.owe(0)
    station.sender.step(NOW)
    station.receiver.hang_up()
    station.owe(1)
    station.sender.step(NOW)
    assert balance(station).acknowledged == 2
    assert station.sender.progress["grid-1"].failures == 0
    assert station.receiver.connections == 2


def test_an_answer_that_ends_the_connection_is_obeyed(station_with: MakeStation) -> None:
    station = station_with(lambda _: http(200, b'{"result":"stored"}', b"Connection: close\r\n"))
    station.owe(0)
    station.sender.step(NOW)
    station.owe(1)
    station.sender.step(NOW)
    assert (balance(station).acknowledged, station.receiver.connections) == (2, 2)


@pytest.mark.parametrize("endless", [b"x" * 200_000, b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n"])
def test_a_broken_or_endless_answer_is_bounded(station_with: MakeStation, endless: bytes) -> None:
    station = station_with(lambda _: endless)
    station.owe(0)
    station.sender.step(NOW)
    assert balance(station).open == 1
    assert station.sender.progress["grid-1"].last_error.startswith(Deferral.BROKEN_ANSWER)


def test_a_tunnel_ends_with_its_session(station_with: MakeStation) -> None:
    station = station_with(store)
    clock = [0.0]
    station.monotonic = lambda: clock[0]
    for number, (age, connections) in enumerate(((0, 1), (3599, 1), (3600, 2), (7199, 2), (7200, 3))):
        clock[0] = float(age)
        station.owe(number)
        station.sender.step(NOW + number * timedelta(seconds=900))
        station.sender.step(NOW + number * timedelta(seconds=900))
        assert station.receiver.connections == connections


def test_another_address_or_pin_ends_the_tunnel(station_with: MakeStation) -> None:
    station = station_with(store)
    station.owe(0)
    station.sender.step(NOW)
    renewed = station.pki.holder(Role.EMT, Purpose.TLS)
    party = station.profiles.communications["grid"]
    station.profiles = station.profiles.with_profile(replace(party, version=2, tls_certificate=der(renewed)))
    station.owe(1)
    station.sender.step(NOW)
    assert [peer.certificate for peer in station.backend.opened] == [station.peer.certificate, renewed.certificate]


def revoke(station: Station, purpose: Purpose) -> None:
    holder = station.recipient if purpose is Purpose.ENC else station.peer
    station.trust = station.pki.trust(sub_ca=(Revocation(holder.certificate.serial_number, NOW - DAY),))


def other_role(station: Station, purpose: Purpose) -> None:
    wrong = station.pki.holder(Role.GWA, purpose)
    replace_certificate(station, purpose, der(wrong))


def other_purpose(station: Station, purpose: Purpose) -> None:
    replace_certificate(station, purpose, der(station.pki.holder(Role.EMT, Purpose.SIG)))


def other_party(station: Station, purpose: Purpose) -> None:
    replace_certificate(station, purpose, der(station.pki.holder(Role.EMT, purpose, "Lieferant")))


def stale_lists(station: Station, purpose: Purpose) -> None:
    station.trust = station.pki.trust(now=NOW - 60 * DAY)


def replace_certificate(station: Station, purpose: Purpose, certificate: bytes) -> None:
    name = "encryption_certificate" if purpose is Purpose.ENC else "tls_certificate"
    party = replace(station.profiles.communications["grid"], **cast(dict[str, Any], {name: certificate}))
    station.profiles = station.profiles.with_profile(party)
    station.change(recipient=party.encryption_fingerprint)


@pytest.mark.parametrize("purpose", [Purpose.ENC, Purpose.TLS])
@pytest.mark.parametrize("spoil", [revoke, other_role, other_purpose, other_party, stale_lists])
def test_a_certificate_that_is_not_good_now(
    station_with: MakeStation, purpose: Purpose, spoil: Callable[[Station, Purpose], None]
) -> None:
    """Nothing is sealed, nothing is dialled, everything stays owed; when it is good again, it leaves."""
    station = station_with(store)
    before = station.profiles
    station.owe(0)
    spoil(station, purpose)
    station.sender.step(NOW)
    assert (station.backend.opened, station.sender.progress["grid-1"].sealed) == ([], 0)
    assert balance(station) == Balance(owed=1, open=0, acknowledged=0, set_aside=0)
    assert "CERTIFICATE" in station.sender.progress["grid-1"].last_error
    station.profiles, station.trust = before, station.pki.trust()
    station.sender.step(NOW + retry.DELAY_CAP)
    assert balance(station).acknowledged == 1


@pytest.mark.parametrize(
    ("purpose", "word"),
    [(Purpose.ENC, Deferral.RECIPIENT_CERTIFICATE), (Purpose.TLS, Deferral.PEER_CERTIFICATE)],
)
def test_a_certificate_that_is_none(station_with: MakeStation, purpose: Purpose, word: Deferral) -> None:
    station = station_with(store)
    station.owe(0)
    replace_certificate(station, purpose, bytes((0x30, 0x81, 200)) + bytes(200))
    station.sender.step(NOW)
    assert station.sender.progress["grid-1"].last_error.startswith(word)
    assert station.backend.opened == []


def test_a_recipient_that_the_profile_does_not_name(station_with: MakeStation) -> None:
    """FDP_IFF.1/MTR: whoever changes his certificate does not inherit access."""
    station = station_with(store)
    station.owe(0)
    station.change(recipient="0" * 64)
    station.sender.step(NOW)
    assert "not-pinned" in station.sender.progress["grid-1"].last_error
    assert station.backend.opened == []


def test_a_profile_that_does_not_hold_yet_sends_nothing(station_with: MakeStation) -> None:
    station = station_with(store)
    station.owe(0)
    station.change(valid_from=NOW + DAY)
    station.run(NOW, NOW + timedelta(hours=1))
    assert station.backend.opened == []
    assert balance(station).owed == 1
    assert "not valid yet" in station.sender.progress["grid-1"].last_error


def test_what_was_granted_before_a_profile_ended_is_still_delivered(station_with: MakeStation) -> None:
    station = station_with(store)
    station.owe(0)
    station.change(valid_until=NOW)
    station.run(NOW, NOW + timedelta(hours=1))
    assert balance(station).acknowledged == 1


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"valid_until": NOW}, "expired"),
        ({"valid_from": NOW + DAY}, "not valid yet"),
    ],
)
def test_a_party_whose_communication_profile_does_not_hold_now_is_sent_nothing(
    station_with: MakeStation, change: dict[str, Any], word: str
) -> None:
    station = station_with(store)
    station.owe(0)
    changed = replace(station.profiles.communications["grid"], **change)
    station.profiles = replace(station.profiles, communications={"grid": changed})
    station.run(NOW, NOW + timedelta(hours=1))
    assert station.backend.opened == []
    assert balance(station).owed == 1
    assert word in station.sender.progress["grid-1"].last_error


def test_a_party_that_is_gone_sends_nothing(station_with: MakeStation) -> None:
    station = station_with(store)
    station.owe(0)
    station.profiles = replace(station.profiles, communications={})
    station.run(NOW, NOW + timedelta(minutes=10))
    assert (station.backend.opened, balance(station).owed) == ([], 1)


def test_the_backend_says_the_peer_is_somebody_else(station_with: MakeStation) -> None:
    station = station_with(store)
    station.owe(0)
    station.backend.down = TunnelReason.PEER_CERTIFICATE
    station.sender.step(NOW)
    assert station.sender.progress["grid-1"].last_error.startswith(Deferral.PEER_CERTIFICATE)


def test_a_withdrawal_between_decision_and_sending_stops_the_delivery(
    station_with: MakeStation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sealing takes its time; what is withdrawn meanwhile does not leave."""
    station = station_with(store)
    station.owe(0)
    sealed: list[bytes] = []

    def seal_and_withdraw(*arguments: Any, **named: Any) -> bytes:
        sealed.append(cms.seal(*arguments, **named))
        with station.database.write() as connection:
            outbox.withdraw(connection, ["grid-1"], NOW)
        station.profiles = station.profiles.without("evaluation", "grid-1")
        return sealed[-1]

    monkeypatch.setattr("smgw.wan.sealing.cms", SimpleNamespace(seal=seal_and_withdraw))
    station.run(NOW, NOW + DAY)
    assert (len(sealed), station.receiver.bodies) == (1, [])
    assert balance(station) == Balance(owed=0, open=0, acknowledged=0, set_aside=1)


@pytest.mark.parametrize("answer", [STORED, http(422, b'{"reason":"malformed"}')])
def test_a_withdrawal_while_the_delivery_is_on_its_way_stands(station_with: MakeStation, answer: bytes) -> None:
    station = station_with(store)

    def withdraw(_: bytes) -> bytes:
        with station.database.write() as connection:
            outbox.withdraw(connection, ["grid-1"], NOW)
        station.profiles = station.profiles.without("evaluation", "grid-1")
        return answer

    station.receiver.answer = withdraw
    station.owe(0)
    station.run(NOW, NOW + DAY)
    assert len(station.receiver.bodies) == 1
    assert Outbox(station.database).set_aside_reasons("grid-1") == {1: "withdrawn"}
    (told,) = (entry for entry in SystemLog(station.database).entries() if entry.event is Event.DELIVERY_SET_ASIDE)
    assert (told.parameters["reason"], told.parameters["arrived"]) == ("withdrawn", int(answer == STORED))


def test_what_goes_by_a_pseudonym_never_leaves_under_our_name(station_with: MakeStation) -> None:
    station = station_with(store)
    station.change(pseudonym=DeviceId("EPSN0000000001"))
    station.owe(0)
    station.run(NOW, NOW + DAY)
    assert (station.receiver.bodies, station.backend.opened) == ([], [])
    assert balance(station) == Balance(owed=0, open=1, acknowledged=0, set_aside=0)
    assert "pseudonym" in station.sender.progress["grid-1"].last_error
