"""What a gateway with ``[han]`` hands to whoever serves it, and what it tells of that."""

from ipaddress import ip_address

import pytest

from smgw.config_han import HanConfiguration
from smgw.han.port import HanPort
from smgw.han.service import addresses_of, describe_page
from smgw.han.settings import HanSettings, RunningPage, ServingError, ServingReason
from smgw.store.logs import Event, Outcome
from tests.smgw.composing import composed
from tests.smgw.premises import Premises

pytestmark = pytest.mark.token
TABLE = '[han]\naddresses = ["127.0.0.1"]\nnames = ["meter.home"]\n'


class Served:
    """Takes what it is handed and serves nobody."""

    def __init__(self) -> None:
        self.handed: list[tuple[HanPort, HanSettings]] = []
        self.running = False

    def __call__(self, port: HanPort, settings: HanSettings) -> RunningPage:
        self.handed.append((port, settings))
        self.running = True
        return self

    def stop(self) -> None:
        self.running = False

    def serving(self) -> bool:
        return self.running

    def fingerprint(self) -> str:
        return self.handed[0][1].identity().fingerprint


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Served:
    one = Served()
    monkeypatch.setattr("smgw.han.service.load_page", lambda: one)
    return one


def with_page(premises: Premises) -> None:
    premises.write_configuration(lines=TABLE)


def test_without_the_table_there_is_no_service(premises: Premises) -> None:
    with composed(premises) as one:
        assert one.page is None
        assert one.status()["han"] is None
    assert describe_page(None) == []


def test_the_page_begins_last_and_ends_with_the_gateway(premises: Premises, served: Served) -> None:
    with_page(premises)
    with composed(premises) as one:
        assert one.status()["han"] == {
            "addresses": ["https://meter.home/", "https://127.0.0.1/"], "serving": False, "sha256": "",
        }  # fmt: skip
        assert served.handed == []
        with one.running():
            ((port, settings),) = served.handed
            assert port.gateway == "EABC0012345678"
            assert port.serving(port.clock())
            assert settings.folder == premises.folder / "store" / "han"
            assert settings.pin() == (premises.folder / "pin").read_text().strip()
            told = one.status()["han"]
            assert told["serving"]
            assert told["sha256"] == settings.identity().fingerprint
            assert one.report.for_administrator()["han"] == told
            settings.changed("")
            settings.changed("front")
        assert not served.running
        entries = [entry for entry in one.log.entries() if entry.event is Event.PAGE_SERVED]
    assert [(entry.outcome, dict(entry.parameters)) for entry in entries] == [
        (Outcome.SUCCESS, {}),
        (Outcome.FAILURE, {"reason": "front"}),
    ]
    assert describe_page(told) == [
        "page for consumers served: https://meter.home/, https://127.0.0.1/",
        f"its certificate (SHA-256): {told['sha256']}",
    ]
    assert describe_page(told | {"serving": False})[0].startswith("page for consumers NOT SERVED: ")


def test_a_gateway_whose_page_is_not_installed_does_not_start(
    premises: Premises, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> None:
        raise ServingError(ServingReason.NOT_INSTALLED, "install it")

    monkeypatch.setattr("smgw.han.service.load_page", missing)
    with_page(premises)
    with pytest.raises(ServingError, match="install it"), composed(premises):
        pass


def test_what_is_typed_into_a_browser() -> None:
    page = HanConfiguration((ip_address("10.0.0.1"), ip_address("fe80::1%eth1")), 8443, (), "smgw")
    assert addresses_of(page) == ["https://smgw.local:8443/", "https://10.0.0.1:8443/", "https://[fe80::1]:8443/"]
