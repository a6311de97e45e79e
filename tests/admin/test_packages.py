import hashlib
import zipfile
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admin import packages as module
from admin.audit import Action
from admin.errors import PackageError, PackageReason
from admin.office import Office
from admin.packages import Packages, version_of
from tests.admin.bureau import BY, NOW
from tests.admin.firmware import archive, package, signed

CONTENT = package("1.2.0")


@pytest.fixture
def packages(office: Office) -> Packages:
    return Packages(office.engine, office.audit)


def refused(reason: PackageReason, packages: Packages, sha256: str) -> None:
    with pytest.raises(PackageError) as caught:
        packages.get(sha256)
    assert caught.value.reason is reason


@pytest.mark.token
def test_a_package_is_kept_once_under_its_digest_and_audited(office: Office, packages: Packages) -> None:
    first = packages.keep(CONTENT, BY, NOW)
    assert first.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert (first.version, first.size, first.by, first.added_at) == ("1.2.0", len(CONTENT), BY, NOW)
    assert packages.keep(CONTENT, "otto", NOW) == first
    assert packages.all() == [first]
    assert packages.content(first.sha256) == CONTENT
    entries = [each for each in office.audit.entries() if each.action == Action.FIRMWARE_KEPT]
    assert [each.subject for each in entries] == [first.sha256]


@pytest.mark.token
def test_the_beginning_of_a_digest_is_enough_where_it_is_one_packages(packages: Packages) -> None:
    kept = [packages.keep(package(wheel=bytes([number])), BY, NOW).sha256 for number in range(17)]
    assert packages.get(kept[3].upper()).sha256 == kept[3]
    refused(PackageReason.UNKNOWN, packages, "")
    refused(PackageReason.UNKNOWN, packages, "no hexadecimal")
    assert [each for each in kept if packages.get(each[:12]).sha256 != each] == []


@pytest.mark.token
def test_what_nobody_kept(packages: Packages) -> None:
    with pytest.raises(PackageError) as caught:
        packages.content("0" * 64)
    assert caught.value.reason is PackageReason.UNKNOWN


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no archive",
        CONTENT[:-30],
        archive(),
        archive(("smgw.whl", b"a wheel")),
        archive(("smgw.whl", b"a wheel"), ("manifest.cms", signed())),
        archive(("manifest.cms", signed()), compression=zipfile.ZIP_DEFLATED),
        archive(("manifest.cms", b"not signed")),
        archive(("manifest.cms", bytes(70_000))),
    ],
)
def test_what_is_no_package(content: bytes) -> None:
    with pytest.raises(PackageError) as caught:
        version_of(content)
    assert caught.value.reason is PackageReason.MALFORMED


def test_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PACKAGE_BYTES", len(CONTENT))
    assert version_of(CONTENT) == "1.2.0"
    monkeypatch.setattr(module, "MAX_PACKAGE_BYTES", len(CONTENT) - 1)
    with pytest.raises(PackageError) as caught:
        version_of(CONTENT)
    assert caught.value.reason is PackageReason.SIZE


@given(st.integers(0, len(CONTENT) - 1), st.binary(max_size=4))
def test_damage_lets_nothing_else_escape(position: int, damage: bytes) -> None:
    with suppress(PackageError):
        assert version_of(CONTENT[:position] + damage + CONTENT[position + len(damage) :]).count(".") in {1, 2, 3}
