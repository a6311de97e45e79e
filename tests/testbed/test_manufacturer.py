"""The manufacturer of the testbed: a real wheel out of this tree, a package that a gateway believes."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from pki.certificates import Purpose, Role
from smgw.firmware.package import open_package, unpack
from smgw.program import PACKAGES, program_hash
from testbed.__main__ import main
from testbed.manufacturer import ROOT, BuildError, build_wheel, pack_wheel, sign_package, wheel_name
from testbed.small_pki import NOW, Holder, SmallPki

PKI = SmallPki()


@pytest.fixture(scope="module")
def wheel() -> bytes:
    return build_wheel("7.1.2")


@pytest.fixture
def maker(tmp_path: Path) -> Holder:
    """A manufacturer with its files."""
    made = PKI.holder(Role.GWH, Purpose.SIG, "Hersteller")
    (tmp_path / "SIG.pem").write_bytes(made.certificate.public_bytes(Encoding.PEM))
    key = made.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "SIG.key").write_bytes(key)
    (tmp_path / "SIG.key").chmod(0o600)
    return made


def build(folder: Path, *words: str) -> tuple[int, str]:
    options = ["--key", str(folder / "SIG.key"), "--certificate", str(folder / "SIG.pem"), str(folder / "out")]
    result = CliRunner().invoke(main, ["firmware", "build", *words, *options])
    return result.exit_code, result.output


def test_the_wheel_holds_the_gateway_s_program_and_nothing_else(wheel: bytes, tmp_path: Path) -> None:
    (tmp_path / "out.whl").write_bytes(wheel)
    with zipfile.ZipFile(tmp_path / "out.whl") as archive:
        archive.extractall(tmp_path)
        names = archive.namelist()
    assert {name.split("/")[0] for name in names} == {*PACKAGES, "smart_meter_gateway-7.1.2.dist-info"}
    expected = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert {name for name in names if "dist-info" not in name} == expected
    information = tmp_path / "smart_meter_gateway-7.1.2.dist-info"
    scripts = (information / "entry_points.txt").read_text()
    assert ("smgw = smgw.start:main" in scripts, "admin" in scripts) == (True, False)
    assert "\nVersion: 7.1.2\n" in (information / "METADATA").read_text()


def test_pip_takes_it(wheel: bytes, tmp_path: Path) -> None:
    """A program of its own reads the archive by the same standard, with its record of sizes and hashes."""
    file = tmp_path / wheel_name("7.1.2")
    file.write_bytes(wheel)
    words = ["install", "--quiet", "--no-deps", "--no-index", "--target", str(tmp_path / "target"), str(file)]
    done = subprocess.run([sys.executable, "-m", "pip", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    asked = "from smgw.program import version; import smgw; print(version(), smgw.__file__)"
    told = subprocess.run(
        [sys.executable, "-P", "-c", asked], env={"PYTHONPATH": str(tmp_path / "target")}, capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    assert told.stdout.split() == ["7.1.2", str(tmp_path / "target" / "smgw" / "__init__.py")]


def test_the_same_tree_gives_the_same_octets(wheel: bytes) -> None:
    assert build_wheel("7.1.2") == wheel


def test_the_copy_may_be_changed_and_this_tree_is_not(wheel: bytes) -> None:
    before = program_hash(ROOT)
    changed = build_wheel("7.1.2", change=lambda tree: (tree / "smgw" / "__main__.py").unlink())
    assert changed != wheel
    assert program_hash(ROOT) == before


def test_a_package_that_a_gateway_believes(wheel: bytes, maker: Holder) -> None:
    package = sign_package(
        "7.1.2", {wheel_name("7.1.2"): wheel}, certificate=maker.certificate, key=maker.key, created_at=NOW
    )
    opened = open_package(package, PKI.verified(maker, Role.GWH, Purpose.SIG))
    files = unpack(opened)
    assert files["smgw/boot.py"] == (ROOT / "smgw" / "boot.py").read_bytes()
    assert opened.manifest.created_at == NOW


def test_the_command_writes_the_package(maker: Holder, tmp_path: Path) -> None:
    code, output = build(tmp_path, "--version", "7.1.2")
    assert (code, "version 7.1.2, " in output) == (0, True), output
    opened = open_package((tmp_path / "out").read_bytes(), PKI.verified(maker, Role.GWH, Purpose.SIG))
    assert opened.manifest.version == "7.1.2"


def test_other_wheels_come_along(maker: Holder, tmp_path: Path) -> None:
    library = tmp_path / "library-1.0-py3-none-any.whl"
    library.write_bytes(pack_wheel({"library/__init__.py": b"b = 1\n"}, "library-1.0.dist-info/RECORD"))
    code, output = build(tmp_path, "--version", "7.1.2", "--with", str(library))
    assert code == 0, output
    opened = open_package((tmp_path / "out").read_bytes(), PKI.verified(maker, Role.GWH, Purpose.SIG))
    assert [file.name for file in opened.manifest.files] == [library.name, wheel_name("7.1.2")]
    assert {"library/__init__.py", "smgw/boot.py"} < set(unpack(opened))


@pytest.mark.usefixtures("maker")
def test_the_command_refuses_in_a_sentence(tmp_path: Path) -> None:
    code, output = build(tmp_path, "--version", "7")
    assert (code, "not a version" in output) == (1, True)
    (tmp_path / "SIG.key").chmod(0o644)
    code, output = build(tmp_path, "--version", "7.1")
    assert (code, "others may read" in output) == (1, True)
    (tmp_path / "SIG.key").chmod(0o600)
    other = PKI.holder(Role.GWH, Purpose.SIG, "Hersteller")
    (tmp_path / "SIG.pem").write_bytes(other.certificate.public_bytes(Encoding.PEM))
    code, output = build(tmp_path, "--version", "7.1")
    assert (code, "the key is not the one" in output) == (1, True)
    assert not (tmp_path / "out").exists()


def test_what_cannot_be_built(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="no source tree"):
        build_wheel("7.1", source=tmp_path)
    with pytest.raises(BuildError, match="setuptools"):
        build_wheel("7.1", change=lambda tree: (tree / "setup.cfg").unlink())
