from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from admin.enrolment import Walk
from admin.errors import EnrolmentError, EnrolmentReason
from admin.inventory import GatewayRecord, LifeCycle
from admin.renew import Due, due, ends_at, renew, renew_all
from pki.certificates import Purpose, Role
from testbed.small_pki import NOW, SmallPki
from tests.admin.bureau import der
from tests.admin.server_world import BY, GATEWAY, Gateway, World, certified, world
from wire.orders import InstallCertificates, RenewKeys
from wire.reading import DeviceId


def walk_of(here: World, folder: Path) -> Walk:
    return Walk(
        office=here.office,
        gateway=GATEWAY,
        folder=folder,
        by=BY,
        timing=here.timing,
        say=lambda _: None,
        certify=lambda where: certified(here, where),
    )


def record(number: int, age: timedelta, state: LifeCycle = LifeCycle.OPERATING) -> GatewayRecord:
    gateway = DeviceId(f"EABC00000000{number:02}")
    pki = SmallPki(seed=number, now=NOW - age)
    certificates = {purpose: der(pki.holder(Role.SMGW, purpose, gateway.text)) for purpose in Purpose}
    return GatewayRecord(gateway, state, certificates=certificates)


def test_whose_turn_it_is() -> None:
    young, old, older = (record(number, timedelta(days=age)) for number, age in ((1, 10), (2, 600), (3, 650)))
    locked = record(4, timedelta(days=650), LifeCycle.LOCKED)
    bare = replace(record(5, timedelta(days=650)), certificates={})
    everybody = [young, old, older, locked, bare]
    within = timedelta(days=365)
    assert [each.record for each in due(everybody, within, NOW)] == [older, old]
    assert due(everybody, timedelta(0), NOW) == []
    end = ends_at(old)
    assert end is not None
    assert due([old], end - NOW, NOW) == []
    assert due([old], end - NOW + timedelta(seconds=1), NOW) == [Due(old, end)]
    assert ends_at(bare) is None


@pytest.mark.token
def test_new_keys_and_certificates_for_a_gateway_that_operates(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        device = Gateway(here, here.keys())
        with device.asleep(here.server().ports[0]) as wake_port:
            former = device.keys
            here.add(former, wake_port=wake_port)
            renew(walk_of(here, tmp_path / "walk"))
            found = here.office.inventory.get(GATEWAY)
            assert (found.state, found.seal) == (LifeCycle.OPERATING, False)
            assert found.certificates == device.keys.der != former.der
            assert [type(order.command) for order in device.orders] == [RenewKeys, InstallCertificates]


@pytest.mark.token
def test_enrolment_comes_first(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        here.add(here.keys(seal=True), LifeCycle.INSTALLED, seal=True)
        with pytest.raises(EnrolmentError) as caught:
            renew(walk_of(here, tmp_path / "walk"))
        assert caught.value.reason is EnrolmentReason.STATE


@pytest.mark.token
def test_one_that_does_not_answer_keeps_no_other_from_its_turn(tmp_path: Path) -> None:
    silent = DeviceId("EABC0012345679")
    with world(tmp_path) as here:
        device = Gateway(here, here.keys())
        with device.asleep(here.server().ports[0]) as wake_port:
            here.add(here.keys(silent), gateway=silent)
            here.add(device.keys, wake_port=wake_port)
            waiting = [Due(here.office.inventory.get(each), here.clock()) for each in (silent, GATEWAY)]

            def walk(record: GatewayRecord) -> Walk:
                timing = here.impatient() if record.gateway == silent else here.timing
                folder = tmp_path / record.gateway.text
                return replace(walk_of(here, folder), gateway=record.gateway, timing=timing)

            results = list(renew_all(waiting, walk))
        assert [(each.gateway, each.failure == "") for each in results] == [(silent.text, False), (GATEWAY.text, True)]
        assert "did not come" in results[0].failure
