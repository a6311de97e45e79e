import hashlib

import pytest

from admin import packages as module
from admin.audit import Action
from admin.errors import PackageError, PackageReason
from admin.office import Office
from admin.packages import Packages
from tests.admin.bureau import BY, NOW

pytestmark = pytest.mark.token
CONTENT = b"a package that the manufacturer signed"


@pytest.fixture
def packages(office: Office) -> Packages:
    return Packages(office.engine, office.audit)


def refused(reason: PackageReason, packages: Packages, sha256: str) -> None:
    with pytest.raises(PackageError) as caught:
        packages.get(sha256)
    assert caught.value.reason is reason


def test_a_package_is_kept_once_under_its_digest_and_audited(office: Office, packages: Packages) -> None:
    first = packages.keep(CONTENT, "1.2", BY, NOW)
    assert first.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert (first.version, first.size, first.by, first.added_at) == ("1.2", len(CONTENT), BY, NOW)
    assert packages.keep(CONTENT, "9.9", "otto", NOW) == first
    assert packages.all() == [first]
    assert packages.content(first.sha256) == CONTENT
    entries = [each for each in office.audit.entries() if each.action == Action.FIRMWARE_KEPT]
    assert [each.subject for each in entries] == [first.sha256]


def test_the_beginning_of_a_digest_is_enough_where_it_is_one_packages(packages: Packages) -> None:
    kept = [packages.keep(bytes([number]), "1.2", BY, NOW).sha256 for number in range(17)]
    assert packages.get(kept[3].upper()).sha256 == kept[3]
    refused(PackageReason.UNKNOWN, packages, "")
    refused(PackageReason.UNKNOWN, packages, "no hexadecimal")
    assert [each for each in kept if packages.get(each[:12]).sha256 != each] == []


def test_sizes(packages: Packages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAXIMUM_PACKAGE_BYTES", 10)
    packages.keep(bytes(10), "1.2", BY, NOW)
    for content in (b"", bytes(11)):
        with pytest.raises(PackageError) as caught:
            packages.keep(content, "1.2", BY, NOW)
        assert caught.value.reason is PackageReason.SIZE


def test_what_nobody_kept(packages: Packages) -> None:
    with pytest.raises(PackageError) as caught:
        packages.content("0" * 64)
    assert caught.value.reason is PackageReason.UNKNOWN
