import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from admin.exit import Exit
from tests.admin.commands.server import Desk, desk
from tests.admin.firmware import package
from tests.admin.server_world import GATEWAY
from wire.http_server import Request
from wire.orders import ActivateFirmware, Order, Reply, StoreFirmware

pytestmark = pytest.mark.token
CONTENT = package()
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    with desk(tmp_path, monkeypatch) as made:
        made.staged = []  # type: ignore[attr-defined]
        made.device.other = lambda request: _stage(made, request)
        file = tmp_path / "package"
        file.write_bytes(CONTENT)
        made.run("firmware", "add", file)
        yield made


def _stage(at: Desk, request: Request) -> tuple[int, bytes]:
    at.staged.append(request.body)  # type: ignore[attr-defined]
    return 200, b"{}"


def commands(at: Desk) -> list[object]:
    return [order.command for order in at.device.orders]


def test_what_is_kept(at: Desk) -> None:
    (row,) = at.json("firmware", "list")
    assert (row["sha256"], row["version"], row["bytes"]) == (SHA256, "1.2.0", len(CONTENT))


def test_stored_then_activated(at: Desk) -> None:
    at.run("firmware", "update", GATEWAY.text, SHA256[:8])
    assert at.staged == [CONTENT]  # type: ignore[attr-defined]
    assert commands(at) == [StoreFirmware(SHA256), ActivateFirmware("1.2.0")]


def test_each_by_itself(at: Desk) -> None:
    at.run("firmware", "store", GATEWAY.text, SHA256[:8])
    at.run("firmware", "activate", GATEWAY.text, "1.2.0")
    assert commands(at) == [StoreFirmware(SHA256), ActivateFirmware("1.2.0")]


def test_a_file_is_kept_and_brought(at: Desk, tmp_path: Path) -> None:
    other = package("1.3.0")
    (tmp_path / "smgw-1.3.0.package").write_bytes(other)
    at.run("firmware", "store", GATEWAY.text, tmp_path / "smgw-1.3.0.package")
    assert at.staged == [other]  # type: ignore[attr-defined]
    assert commands(at) == [StoreFirmware(hashlib.sha256(other).hexdigest())]
    assert {row["version"] for row in at.json("firmware", "list")} == {"1.2.0", "1.3.0"}
    (tmp_path / "smgw-1.4.0.package").write_bytes(b"anything else")
    at.run("firmware", "update", GATEWAY.text, tmp_path / "smgw-1.4.0.package", code=Exit.REFUSED)
    assert len(commands(at)) == 1


def test_what_was_not_stored_is_not_activated(at: Desk) -> None:
    def refuse(order: Order) -> Reply:
        return Reply.refusal(order.sequence, "signature", "not the manufacturer's")

    at.device.reply = refuse
    result = at.run("firmware", "update", GATEWAY.text, SHA256, code=Exit.GATEWAY_REFUSED)
    assert "not the manufacturer's" in result.output
    assert commands(at) == [StoreFirmware(SHA256)]


def test_what_nobody_kept(at: Desk) -> None:
    at.run("firmware", "store", GATEWAY.text, "00", code=Exit.REFUSED)
    assert commands(at) == []


def test_what_is_no_package(at: Desk, tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"anything else")
    at.run("firmware", "add", tmp_path / "other", code=Exit.REFUSED)
    assert len(at.json("firmware", "list")) == 1


def test_a_version_that_no_gateway_could_compare(at: Desk) -> None:
    at.run("firmware", "activate", GATEWAY.text, "newest", code=Exit.REFUSED)
    assert commands(at) == []
