"""A package is believed as a whole or not at all, and nothing that it holds gets out of its slot."""

import io
import stat
import struct
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pki import cms
from pki.certificates import Purpose, Role
from pki.revoke import Revocation
from smgw.firmware import package as package_module
from smgw.firmware.errors import FirmwareReason, FirmwareRefusedError
from smgw.firmware.package import (
    Package,
    build_package,
    manufacturer,
    open_package,
    unpack,
)
from testbed.manufacturer import wheel_name
from testbed.small_pki import NOW, SmallPki
from tests.smgw.firmware.world import manufacturer_of, program_files, sha256, signed, wheel_of
from wire.firmware import MANIFEST, MAXIMUM_MANIFEST_BYTES, Manifest, PackagedFile
from wire.management import MAX_PACKAGE_BYTES

PKI = SmallPki()
MAKER = manufacturer_of(PKI)
SIGNER = PKI.verified(MAKER, Role.GWH, Purpose.SIG)
NAME = wheel_name("1.2")
WHEEL = wheel_of("1.2")
OTHER = {"other-1.0-py3-none-any.whl": b"not opened yet"}
GOOD = signed("1.2", {NAME: WHEEL}, MAKER)


def refusal(data: bytes) -> FirmwareReason:
    with pytest.raises(FirmwareRefusedError) as refused:
        open_package(data, SIGNER)
    return refused.value.reason


def manifest(**changes: object) -> Manifest:
    good = Manifest(version="1.2", files=(PackagedFile(NAME, sha256(WHEEL), len(WHEEL)),), created_at=NOW)
    return replace(good, **changes)  # type: ignore[arg-type]


def sign(content: bytes) -> bytes:
    return cms.sign_document(content, signer=MAKER.certificate, key=MAKER.key)


def test_a_good_package() -> None:
    opened = open_package(GOOD, SIGNER)
    assert (opened.manifest, opened.wheels) == (manifest(), {NAME: WHEEL})
    files = unpack(opened)
    assert {name: data for name, data in files.items() if not name.endswith("RECORD")} == program_files("1.2")


def test_several_wheels_come_out_together() -> None:
    library = {"library-1.0-py3-none-any.whl": archive({"library/__init__.py": b"b = 1\n"})}
    files = unpack(open_package(signed("1.2", {NAME: WHEEL, **library}, MAKER), SIGNER))
    assert files["library/__init__.py"] == b"b = 1\n"
    assert set(program_files("1.2")) < set(files)


@given(st.data())
def test_a_changed_package_is_refused(data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(GOOD) - 1))
    changed = GOOD[:place] + data.draw(st.binary(max_size=4)) + GOOD[place + data.draw(st.integers(0, 4)) :]
    if changed != GOOD:
        refusal(changed)


@given(st.binary(max_size=200))
def test_what_is_no_package(data: bytes) -> None:
    assert refusal(data) is FirmwareReason.PACKAGE


@given(st.integers(0, len(GOOD) - 1))
def test_a_package_that_is_cut_off(length: int) -> None:
    refusal(GOOD[:length])


def test_another_manufacturer_is_not_the_one_that_is_pinned() -> None:
    foreign = signed("1.2", {NAME: WHEEL}, manufacturer_of(PKI))
    assert refusal(foreign) is FirmwareReason.SIGNATURE


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", FirmwareReason.PACKAGE),
        (b"{}", FirmwareReason.PACKAGE),
        (manifest().to_bytes() + b" ", FirmwareReason.PACKAGE),
        (manifest().to_bytes().replace(b"1.2", b"1.x"), FirmwareReason.PACKAGE),
    ],
)
def test_what_was_signed_is_a_manifest(content: bytes, reason: FirmwareReason) -> None:
    assert refusal(build_package(sign(content), {NAME: WHEEL})) is reason


def test_the_manifest_names_these_files_and_no_others() -> None:
    assert refusal(build_package(sign(manifest().to_bytes()), {})) is FirmwareReason.PACKAGE
    assert refusal(build_package(sign(manifest().to_bytes()), {NAME: WHEEL, **OTHER})) is FirmwareReason.PACKAGE
    assert refusal(build_package(sign(manifest().to_bytes()), OTHER)) is FirmwareReason.PACKAGE
    changed = WHEEL[:-1] + b"?"
    assert refusal(build_package(sign(manifest().to_bytes()), {NAME: changed})) is FirmwareReason.PACKAGE
    for size in (len(WHEEL) - 1, len(WHEEL) + 1):
        named = manifest(files=(PackagedFile(NAME, sha256(WHEEL), size),))
        assert refusal(build_package(sign(named.to_bytes()), {NAME: WHEEL})) is FirmwareReason.PACKAGE


def test_a_package_is_bounded() -> None:
    assert refusal(bytes(MAX_PACKAGE_BYTES + 1)) is FirmwareReason.TOO_LARGE
    assert refusal(build_package(bytes(MAXIMUM_MANIFEST_BYTES + 1), {NAME: WHEEL})) is FirmwareReason.PACKAGE
    many = {f"{number:03}.whl": b"x" for number in range(65)}
    assert refusal(build_package(sign(manifest().to_bytes()), many)) is FirmwareReason.PACKAGE


def rewritten(**how: int) -> bytes:
    """The good package in another spelling."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        if "comment" in how:
            made.comment = b"more"
        for member in (source := zipfile.ZipFile(io.BytesIO(GOOD))).infolist():
            info = zipfile.ZipInfo(member.filename, (1980 + how.get("year", 0), 1, 1, 0, 0, 0))
            info.create_system, info.external_attr = 3, how.get("mode", 0o100600) << 16
            made.writestr(info, source.read(member), how.get("method", zipfile.ZIP_STORED))
    return out.getvalue()


@pytest.mark.parametrize(
    "how", [{"comment": 1}, {"year": 1}, {"mode": 0o120600}, {"method": zipfile.ZIP_DEFLATED}], ids=str
)
def test_a_package_has_one_form(how: dict[str, int]) -> None:
    assert rewritten() == GOOD
    assert refusal(rewritten(**how)) is FirmwareReason.PACKAGE


def test_nothing_stands_before_or_behind_it() -> None:
    for other in (b"x" + GOOD, GOOD + b"x", GOOD + GOOD):
        assert refusal(other) is FirmwareReason.PACKAGE


# Wheels of a careless manufacturer: signed, and still not able to do harm.


def archive(files: dict[str, bytes], change: Callable[[zipfile.ZipInfo], None] = lambda _: None) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr, info.compress_type = 0o100644 << 16, zipfile.ZIP_DEFLATED
            change(info)
            made.writestr(info, content)
    return out.getvalue()


def careless(wheel: bytes, *, version: str = "1.2") -> str:
    with pytest.raises(FirmwareRefusedError) as refused:
        unpack(Package(manifest(version=version), {NAME: wheel}))
    assert refused.value.reason is FirmwareReason.CONTENT
    return refused.value.sentence


@pytest.mark.parametrize(
    "name",
    [
        "../smgw/x.py", "smgw/../../x.py", "/etc/x.py", "smgw//x.py", "smgw/./x.py", "smgw\\x.py", "c:/x.py",
        ".hidden/x.py", "smgw/.x.py", "-x.py", "smgw/ä.py", "smgw/x\n.py", "smgw/x.py\0.txt", "a/" * 100 + "x.py", "",
    ],
)  # fmt: skip
def test_a_name_is_a_plain_path_below_the_slot(name: str) -> None:
    files = program_files("1.2")
    wheel = archive(files | {"smgw/y.py": b""})
    assert "y.py" in str(unpack(Package(manifest(), {NAME: wheel})).keys())
    written = archive(files | {"N" * len(name.encode()) or "N": b""})
    wheel = written.replace(b"N" * len(name.encode()), name.encode()) if name else written
    if not name:
        wheel = archive(files | {"": b""})
    assert "plain path" in careless(wheel) or "not what it says" in careless(wheel)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFDIR, stat.S_IFIFO, stat.S_IFCHR])
def test_only_plain_files_come_out(kind: int) -> None:
    def change(info: zipfile.ZipInfo) -> None:
        if info.filename == "smgw/x.py":
            info.external_attr = (kind | 0o777) << 16

    assert "neither a plain file" in careless(archive(program_files("1.2") | {"smgw/x.py": b"/etc/passwd"}, change))


def test_folders_come_with_their_files() -> None:
    def change(info: zipfile.ZipInfo) -> None:
        if info.is_dir():
            info.external_attr = (stat.S_IFDIR | 0o755) << 16 | 0x10

    files = program_files("1.2")
    assert unpack(Package(manifest(), {NAME: archive({"smgw/": b"", "empty/": b""} | files, change)})) == files
    assert "nor a folder" in careless(archive({"smgw/": b"content"} | files, change))
    assert "nor a folder" in careless(archive({"smgw/x": b""} | files, lambda info: _as_folder(info, "smgw/x")))
    assert "plain path" in careless(archive({"smgw//": b""} | files, change))


def _as_folder(info: zipfile.ZipInfo, name: str) -> None:
    if info.filename == name:
        info.external_attr = (stat.S_IFDIR | 0o755) << 16


def test_two_files_do_not_want_one_place() -> None:
    for more in ("SMGW/__main__.py", "smgw/__main__.py/x"):
        assert "one place" in careless(archive(program_files("1.2") | {more: b""}))
    beside = "smgw/__main__.py.d/x"
    assert beside in unpack(Package(manifest(), {NAME: archive(program_files("1.2") | {beside: b""})}))


def test_no_wheel_brings_what_another_brought() -> None:
    second = archive({"smgw/__main__.py": b"evil"})
    with pytest.raises(FirmwareRefusedError, match="already"):
        unpack(Package(manifest(), {NAME: WHEEL, "z.whl": second}))


def test_bombs_are_not_inflated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package_module, "MAXIMUM_UNPACKED", 100_000)
    assert "larger than a slot" in careless(archive(program_files("1.2") | {"smgw/x.py": bytes(200_000)}))
    # One that says less of itself than it is.
    wheel = archive({"smgw/x.py": bytes(200_000)})
    lying = wheel.replace(struct.pack("<L", 200_000), struct.pack("<L", 20))
    assert lying != wheel
    assert "not what it says" in careless(lying)
    monkeypatch.setattr(package_module, "MAXIMUM_MEMBERS", 3)
    assert "larger than a slot" in careless(WHEEL)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_wheels_are_deflated_or_stored(method: int) -> None:
    def change(info: zipfile.ZipInfo) -> None:
        info.compress_type = method

    assert "cannot be read" in careless(archive(program_files("1.2"), change))


def test_what_is_no_wheel() -> None:
    assert careless(b"PK") == "not an archive"
    broken = bytearray(archive({"smgw/x.py": bytes(range(256)) * 20}))
    broken[60] ^= 0xFF
    assert "not what it says" in careless(bytes(broken))


@given(st.data())
def test_nothing_else_escapes_from_a_wheel(data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(WHEEL) - 1))
    changed = WHEEL[:place] + data.draw(st.binary(max_size=4)) + WHEEL[place + data.draw(st.integers(0, 4)) :]
    try:
        files = unpack(Package(manifest(), {NAME: changed}))
    except FirmwareRefusedError:
        return
    assert set(program_files("1.2")) <= set(files)


def test_the_program_is_there_in_the_version_of_the_manifest() -> None:
    assert "not in the package" in careless(WHEEL, version="1.3")
    files = program_files("1.2")
    entry = {name: data for name, data in files.items() if name != "smgw/__main__.py"}
    assert "not in the package" in careless(archive(entry))
    metadata = "smart_meter_gateway-1.2.dist-info/METADATA"
    lying = files | {metadata: files[metadata].replace(b"1.2", b"1.3")}
    assert "another version" in careless(archive(lying))


def test_the_manufacturer_is_good_now_or_signs_nothing() -> None:
    trust = PKI.trust()
    assert manufacturer(MAKER.certificate, trust, NOW) == SIGNER
    revoked = PKI.trust(sub_ca=(Revocation(MAKER.certificate.serial_number, NOW, "key-compromise"),))
    others = [(Role.GWA, Purpose.SIG), (Role.GWH, Purpose.TLS), (Role.EMT, Purpose.SIG)]
    spoilt = [(MAKER, revoked, NOW), (MAKER, trust, NOW + timedelta(days=3650)), (MAKER, SmallPki(seed=2).trust(), NOW)]
    for holder, store, at in (*[(PKI.holder(role, purpose), trust, NOW) for role, purpose in others], *spoilt):
        with pytest.raises(FirmwareRefusedError) as refused:
            manufacturer(holder.certificate, store, at)
        assert refused.value.reason is FirmwareReason.MANUFACTURER


def test_the_manifest_is_the_first_member() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr(NAME, WHEEL)
        made.writestr(MANIFEST, sign(manifest().to_bytes()))
    assert refusal(out.getvalue()) is FirmwareReason.PACKAGE
