from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from pki.certificates import Purpose, Role
from pki.revoke import Revocation
from smgw.wan.service import ANSWER_TIMEOUT, MAXIMUM_ANSWER_BYTES, ServiceError, visit
from tests.pki.tunnel_world import clock, ends
from tests.smgw.wan.service_site import Site, at_clerk
from wire.http_server import Request
from wire.management import JSON, NOTIFICATIONS, TIME

DAY = timedelta(days=1)


def echo(request: Request) -> tuple[int, bytes]:
    return 200, request.body


def refused(site: Site) -> str:
    with pytest.raises(ServiceError) as refusal, visit(site.ports) as connection:
        connection.post(TIME, JSON, b"{}")
    return refusal.value.reason


def test_one_connection_for_as_much_as_there_is_to_say(tmp_path: Path) -> None:
    seen: list[Request] = []

    def keep(request: Request) -> tuple[int, bytes]:
        seen.append(request)
        return 200, b"{}"

    with at_clerk(tmp_path, keep) as site:
        with visit(site.ports) as connection:
            assert connection.post(TIME, "application/octet-stream", bytes(48)).status == 200
            assert connection.reusable
            assert connection.post(NOTIFICATIONS, JSON, b"{}").body == b"{}"
        assert [(one.method, one.target, one.header("content-type")) for one in seen] == [
            ("POST", TIME, "application/octet-stream"),
            ("POST", NOTIFICATIONS, JSON),
        ]
        assert site.house.profile is not None
        assert seen[0].header("host") == f"127.0.0.1:{site.house.profile.service_port}"


def test_whatever_the_status_it_is_an_answer(tmp_path: Path) -> None:
    with at_clerk(tmp_path, lambda _: (503, b"later")) as site, visit(site.ports) as connection:
        response = connection.post(TIME, JSON, b"{}")
    assert (response.status, response.body) == (503, b"later")


def nobody(site: Site) -> None:
    site.house.profile = None


def not_yet(site: Site) -> None:
    site.house.change(valid_from=clock().replace(microsecond=0) + DAY)


def no_more(site: Site) -> None:
    site.house.change(valid_until=clock().replace(microsecond=0) - DAY)


def tls_revoked(site: Site) -> None:
    revoke(site, site.house.tls.certificate.serial_number)


def signer_revoked(site: Site) -> None:
    revoke(site, site.house.sig.certificate.serial_number)


def revoke(site: Site, serial_number: int) -> None:
    site.house.trust = ends().pki.trust(sub_ca=(Revocation(serial_number, clock() - timedelta(minutes=1)),))


def away(site: Site) -> None:
    site.house.change(service_port=1)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (nobody, "no-administrator"),
        (not_yet, "no-administrator"),
        (no_more, "no-administrator"),
        (tls_revoked, "administrator-certificate"),
        (signer_revoked, "administrator-certificate"),
        (away, "unreachable"),
    ],
)
def test_nobody_else_is_dialled(tmp_path: Path, spoil: Callable[[Site], None], reason: str) -> None:
    with at_clerk(tmp_path, echo) as site:
        spoil(site)
        assert refused(site) == reason


def test_another_certificate_at_the_other_end_hears_nothing(tmp_path: Path) -> None:
    seen: list[Request] = []

    def keep(request: Request) -> tuple[int, bytes]:
        seen.append(request)
        return 200, b""

    with at_clerk(tmp_path, keep) as site:
        port = site.house.profile.service_port if site.house.profile else 0
        other = ends().pki.holder(*_like_the_administrator())
        site.dials(port, other.certificate, site.house.sig.certificate)
        assert refused(site) == "peer-certificate"
    assert seen == []


def test_the_end_of_the_connection_is_no_answer(tmp_path: Path) -> None:
    with at_clerk(tmp_path, lambda _: (0, b"")) as site:
        assert refused(site) == "broken-answer"


def test_an_answer_that_is_too_large(tmp_path: Path) -> None:
    with at_clerk(tmp_path, lambda _: (200, bytes(MAXIMUM_ANSWER_BYTES + 1))) as site:
        assert refused(site) == "broken-answer"


def test_an_answer_that_does_not_come(tmp_path: Path) -> None:
    """The time runs on the monotonic clock: here it is over at once."""
    with at_clerk(tmp_path, echo) as site, visit(site.ports) as connection:
        began = iter([0.0])
        connection.monotonic = lambda: next(began, ANSWER_TIMEOUT)
        with pytest.raises(ServiceError) as refusal:
            connection.post(TIME, JSON, b"{}")
        assert refusal.value.reason == "timeout"
        assert not connection.reusable


def _like_the_administrator() -> tuple[Role, Purpose, str]:
    return Role.GWA, Purpose.TLS, "Stadtwerke"
