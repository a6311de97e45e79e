import json
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from smgw.administration.desk import SUBJECT
from smgw.administration.errors import CommandRefusedError, Done
from smgw.store.logs import Event
from testbed.small_pki import SmallPki
from tests.smgw.administration.house import House
from wire import management
from wire.http_server import Request


class Why(StrEnum):
    NO_ROOM = "no-room"


def refuse(_: Any, at: datetime) -> Done:
    raise CommandRefusedError(Why.NO_ROOM, "there is no room\nfor it" + "x" * 2000)


def put(house: House, package: bytes) -> tuple[int, Any]:
    answer = house.desk.handle(Request("PUT", management.FIRMWARE, (("host", "gateway"),), package), house.now)
    return answer.status, json.loads(answer.body)


def test_firmware_is_staged_with_its_octets(pki: SmallPki, tmp_path: Path) -> None:
    staged: list[tuple[Any, datetime]] = []

    def stage(package: Any, at: datetime) -> Done:
        staged.append((package, at))
        return Done({"sha256": "00"})

    house = House(pki, tmp_path, stage=stage)
    assert put(house, b"package") == (200, {"sha256": "00"})
    assert staged == [(b"package", house.now)]
    house.close()


def test_firmware_may_be_refused(pki: SmallPki, tmp_path: Path) -> None:
    house = House(pki, tmp_path, stage=refuse)
    status, told = put(house, b"package")
    assert (status, told["reason"]) == (422, "no-room")
    assert told["sentence"].startswith("there is no room?for it")
    noted = [(entry.subject, entry.parameters["reason"]) for entry in house.logged()]
    assert noted == [(SUBJECT, "no-room")]
    assert {entry.event for entry in house.logged()} == {Event.ADMINISTRATOR_REFUSED}
    house.close()


def test_a_gateway_without_a_place_for_firmware_has_no_such_resource(pki: SmallPki, tmp_path: Path) -> None:
    house = House(pki, tmp_path)
    assert put(house, b"package")[0] == 404
    house.close()
