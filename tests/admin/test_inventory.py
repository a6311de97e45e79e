"""The inventory: what may be entered, and where a life may go."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from admin.audit import verify
from admin.errors import InventoryError, InventoryReason
from admin.inventory import GatewayRecord, Inventory, LifeCycle, require_enterable
from admin.office import Office
from pki.certificates import Purpose
from tests.admin.bureau import BY, GATEWAY, NOW, OTHER, Bureau
from wire.reading import DeviceId

pytestmark = pytest.mark.token


def test_what_was_entered_comes_back(bureau: Bureau) -> None:
    record = replace(bureau.record(seal=True), note="cellar")
    with bureau.open() as office:
        office.inventory.add(record, BY, NOW)
        assert office.inventory.get(GATEWAY) == record
        assert office.inventory.all() == office.inventory.all(LifeCycle.DELIVERED) == [record]
        assert office.inventory.all(LifeCycle.OPERATING) == []


def test_a_gateway_is_entered_once(office: Office, bureau: Bureau) -> None:
    assert refused(lambda: office.inventory.add(bureau.record(), BY, NOW)) is InventoryReason.EXISTS


@pytest.mark.parametrize("host", ["", "a b", "-x", "x" * 300, "host;rm", "1.2.3.4:5"])
def test_an_address_that_is_none(bureau: Bureau, host: str) -> None:
    with bureau.open() as office:
        record = replace(bureau.record(), wake_host=host)
        assert refused(lambda: office.inventory.add(record, BY, NOW)) is InventoryReason.ADDRESS


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "gateway-7.example", "localhost"])
def test_an_address_that_is_one(office: Office, host: str) -> None:
    office.inventory.set_address(GATEWAY, host, 4059, BY, NOW)
    assert office.inventory.get(GATEWAY).wake_host == host


@pytest.mark.parametrize("port", [0, 65536, -1])
def test_a_port_that_is_none(office: Office, port: int) -> None:
    assert refused(lambda: office.inventory.set_address(GATEWAY, "localhost", port, BY, NOW)) is InventoryReason.ADDRESS


def test_the_whole_life(bureau: Bureau) -> None:
    with bureau.open() as office:
        office.inventory.add(bureau.record(seal=True), BY, NOW)
        office.inventory.change(GATEWAY, LifeCycle.INSTALLED, BY, NOW)
        office.inventory.set_certificates(GATEWAY, bureau.triple(), False, BY, NOW)
        for state in (LifeCycle.OPERATING, LifeCycle.LOCKED, LifeCycle.OPERATING, LifeCycle.RETIRED):
            office.inventory.change(GATEWAY, state, BY, NOW)
            assert office.inventory.get(GATEWAY).state is state


def test_a_step_that_the_table_does_not_have_says_which_it_has(office: Office) -> None:
    with pytest.raises(InventoryError, match="possible: locked, retired") as caught:
        office.inventory.change(GATEWAY, LifeCycle.DELIVERED, BY, NOW)
    assert caught.value.reason is InventoryReason.TRANSITION
    assert office.inventory.get(GATEWAY).state is LifeCycle.OPERATING


def test_nothing_operates_with_the_manufacturers_seal(bureau: Bureau) -> None:
    with bureau.open() as office:
        office.inventory.add(bureau.record(seal=True), BY, NOW)
        office.inventory.change(GATEWAY, LifeCycle.INSTALLED, BY, NOW)
        operate: Callable[[], None] = lambda: office.inventory.change(GATEWAY, LifeCycle.OPERATING, BY, NOW)  # noqa: E731
        with pytest.raises(InventoryError, match="smgw-admin enrol"):
            operate()
        office.inventory.set_certificates(GATEWAY, {}, False, BY, NOW)
        assert refused(operate) is InventoryReason.CERTIFICATES
        entered = GatewayRecord(OTHER, LifeCycle.OPERATING)
        assert refused(lambda: office.inventory.add(entered, BY, NOW)) is InventoryReason.CERTIFICATES


def test_an_operating_gateway_does_not_go_back_to_the_seal(office: Office, bureau: Bureau) -> None:
    put: Callable[[], None] = lambda: office.inventory.set_certificates(GATEWAY, bureau.triple(), True, BY, NOW)  # noqa: E731
    assert refused(put) is InventoryReason.CERTIFICATES


@pytest.mark.parametrize(
    "spoil",
    [
        lambda bureau: bureau.triple(OTHER),
        lambda bureau: {Purpose.TLS: bureau.triple()[Purpose.TLS]},
        lambda bureau: bureau.triple() | {Purpose.ENC: b"no certificate"},
    ],
)
def test_certificates_of_nobody_or_somebody_else(
    office: Office, bureau: Bureau, spoil: Callable[[Bureau], dict[Purpose, bytes]]
) -> None:
    before = office.inventory.get(GATEWAY).certificates
    put: Callable[[], None] = lambda: office.inventory.set_certificates(GATEWAY, spoil(bureau), False, BY, NOW)  # noqa: E731
    assert refused(put) is InventoryReason.CERTIFICATES
    assert office.inventory.get(GATEWAY).certificates == before


def test_what_is_not_there_says_how_to_enter_it(office: Office) -> None:
    inventory: Inventory = office.inventory
    for ask in (
        lambda: inventory.get(OTHER),
        lambda: inventory.change(OTHER, LifeCycle.LOCKED, BY, NOW),
        lambda: inventory.set_address(OTHER, "localhost", 1, BY, NOW),
        lambda: inventory.set_note(OTHER, "", BY, NOW),
        lambda: inventory.set_certificates(OTHER, {}, False, BY, NOW),
    ):
        with pytest.raises(InventoryError, match=f"gateways add {OTHER}") as caught:
            ask()
        assert caught.value.reason is InventoryReason.UNKNOWN


def test_a_locked_gateway_is_not_reached_and_says_how_to_unlock(office: Office) -> None:
    office.inventory.change(GATEWAY, LifeCycle.LOCKED, BY, NOW)
    with pytest.raises(InventoryError, match="gateways state EABC0012345678 operating") as caught:
        office.inventory.require_reachable(GATEWAY)
    assert caught.value.reason is InventoryReason.STATE


def test_the_last_tunnel_is_known(office: Office) -> None:
    office.tunnels.opened(GATEWAY, NOW)
    assert office.inventory.get(GATEWAY).last_tunnel_at == NOW


def test_every_change_is_in_the_audit_log_with_its_operator(office: Office, bureau: Bureau) -> None:
    office.inventory.set_address(GATEWAY, "192.0.2.1", 7, "berta", NOW)
    office.inventory.set_note(GATEWAY, "x" * 10_000, "carl", NOW)
    office.inventory.change(GATEWAY, LifeCycle.LOCKED, "dora", NOW)
    told = [(entry.action, entry.by) for entry in office.audit.entries()]
    assert told == [
        ("gateway-added", BY),
        ("gateway-address", "berta"),
        ("gateway-note", "carl"),
        ("gateway-state", "dora"),
    ]
    assert verify(office.engine, [bureau.certificate]) == 4


def refused(action: Callable[[], object]) -> InventoryReason:
    with pytest.raises(InventoryError) as caught:
        action()
    return caught.value.reason


def test_gateways_are_found_by_state_pattern_and_page(bureau: Bureau) -> None:
    with bureau.open() as office:
        several = [GatewayRecord(DeviceId(f"EABC00000000{number:02}")) for number in range(12)]
        office.inventory.add_all(several, BY, NOW)
        office.inventory.add(bureau.record(), BY, NOW)
        find = office.inventory.find
        assert find() == office.inventory.all()
        assert find(LifeCycle.OPERATING) == [bureau_record := office.inventory.get(GATEWAY)]
        assert find(match="eabc00123*") == [bureau_record]
        assert find(match="EABC0000000?0?") == several[:10]
        assert find(match="[E]*") == []
        first = find(limit=5)
        assert find(after=first[-1].gateway.text, limit=100) == [*several[5:], bureau_record]


def test_several_are_entered_together_or_not_at_all(office: Office, bureau: Bureau) -> None:
    new = GatewayRecord(OTHER)
    assert refused(lambda: office.inventory.add_all((new, bureau.record()), BY, NOW)) is InventoryReason.EXISTS
    assert refused(lambda: office.inventory.get(OTHER)) is InventoryReason.UNKNOWN
    require_enterable(new)
    assert refused(lambda: require_enterable(replace(new, wake_port=0))) is InventoryReason.ADDRESS
