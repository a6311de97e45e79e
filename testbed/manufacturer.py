"""``smgw-testbed firmware``: the manufacturer's end of an update. Builds the gateway's program and signs the package.

Decides what is in a package of the testbed: one wheel with the packages that run in a gateway, built out of this source
tree under the version that was asked for, without the network, and whatever wheels are named beside it. What a gateway
needs and does not find in its slot is taken from what is installed. The same tree, version and time give the same
octets.
"""

import base64
import configparser
import csv
import hashlib
import io
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from pki import cms
from pki.certificates import load_certificate
from pki.errors import CertificateError, IssueError, SealError
from pki.files import read_key
from smgw.firmware.package import build_package
from smgw.program import DISTRIBUTION, PACKAGES
from wire.errors import FirmwareError
from wire.firmware import Manifest, PackagedFile, rank

ROOT: Final = Path(__file__).parents[1]
BUILD_FILES: Final = ("setup.cfg", "pyproject.toml", "README.md", "LICENSE")
WHEEL: Final = b"Wheel-Version: 1.0\nGenerator: smgw-testbed\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_CREATED: Final = (1980, 1, 1, 0, 0, 0)


class BuildError(Exception):
    """The program cannot be built; the message is a sentence."""


def build_wheel(version: str, *, source: Path = ROOT, change: Callable[[Path], None] = lambda _: None) -> bytes:
    """The wheel of the gateway's program under ``version``; ``change`` may alter the copy that it is built from.

    setuptools collects the files and writes the metadata; the archive is made here (PyPA, Binary distribution format),
    because only later versions of setuptools can make it without another package. Raises BuildError.
    """
    if not (source / "setup.cfg").is_file():
        raise BuildError(f"{source} is no source tree: a package is built out of a checkout")
    with tempfile.TemporaryDirectory(prefix="smgw-firmware-") as name:
        tree, built = Path(name) / "source", Path(name) / "built"
        tree.mkdir()
        for file in BUILD_FILES:
            shutil.copyfile(source / file, tree / file)
        for package in PACKAGES:
            shutil.copytree(source / package, tree / package, ignore=shutil.ignore_patterns("__pycache__"))
        _set_version(tree / "setup.cfg", version)
        change(tree)
        # The words of `setup.py build egg_info`, without a setup.py.
        command = "import setuptools; setuptools.setup()"
        words = ["--quiet", "build", "--build-lib", str(built), "egg_info", "--egg-base", name]
        made = subprocess.run(
            [sys.executable, "-c", command, *words], cwd=tree, capture_output=True, text=True, check=False
        )
        if made.returncode != 0:
            raise BuildError(f"setuptools: {made.stderr.strip()[-400:]}")
        files = {path.relative_to(built).as_posix(): path.read_bytes() for path in _files(built)}
        egg = Path(name) / f"{_normal(DISTRIBUTION)}.egg-info"
        information = f"{_normal(DISTRIBUTION)}-{version}.dist-info"
        files[f"{information}/METADATA"] = (egg / "PKG-INFO").read_bytes()
        files[f"{information}/entry_points.txt"] = (egg / "entry_points.txt").read_bytes()
        files[f"{information}/WHEEL"] = WHEEL
        return pack_wheel(files, f"{information}/RECORD")


def pack_wheel(files: Mapping[str, bytes], record: str) -> bytes:
    """The archive of ``files`` with their record at the end."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    for name, content in sorted(files.items()):
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode("ascii")
        writer.writerow((name, f"sha256={digest}", len(content)))
    writer.writerow((record, "", ""))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in (*sorted(files.items()), (record, lines.getvalue().encode())):
            member = zipfile.ZipInfo(name, _CREATED)
            member.create_system = 3
            member.external_attr = 0o100644 << 16
            archive.writestr(member, content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def sign_package(
    version: str,
    wheels: Mapping[str, bytes],
    *,
    certificate: x509.Certificate,
    key: ec.EllipticCurvePrivateKey,
    created_at: datetime,
) -> bytes:
    """The package of ``wheels``, signed by the manufacturer. Raises FirmwareError, SealError."""
    files = tuple(
        PackagedFile(name, hashlib.sha256(content).hexdigest(), len(content))
        for name, content in sorted(wheels.items())
    )
    manifest = Manifest(version=version, files=files, created_at=created_at)
    return build_package(cms.sign_document(manifest.to_bytes(), signer=certificate, key=key), wheels)


def wheel_name(version: str) -> str:
    """The file name of our wheel."""
    return f"{_normal(DISTRIBUTION)}-{version}-py3-none-any.whl"


def _set_version(file: Path, version: str) -> None:
    settings = configparser.ConfigParser(interpolation=None)
    settings.read(file, "utf-8")
    settings["metadata"]["version"] = version
    # Only what is in the package can be started.
    scripts = settings["options.entry_points"]["console_scripts"].split("\n")
    kept = [line for line in scripts if line.partition("=")[2].strip().split(".")[0] in PACKAGES]
    settings["options.entry_points"]["console_scripts"] = "\n".join(["", *kept])
    with file.open("w", encoding="utf-8") as out:
        settings.write(out)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _normal(name: str) -> str:
    return name.replace("-", "_")


@click.group(epilog="Example: smgw-testbed firmware build --version 0.2.0 --key SIG.key --certificate SIG.pem OUT")
def firmware() -> None:
    """The manufacturer of gateways: builds and signs firmware packages."""


_file = click.Path(exists=True, dir_okay=False, path_type=Path)


@firmware.command(epilog="Example: smgw-testbed firmware build --version 0.2.0 --key SIG.key --certificate SIG.pem OUT")
@click.option("--version", required=True, help="Two to four numbers; gateways take only later ones than theirs.")
@click.option("--key", required=True, type=_file, help="The manufacturer's private SIG key (PEM, 0600).")
@click.option("--certificate", required=True, type=_file, help="Its certificate, of role GWH.")
@click.option("--with", "others", multiple=True, type=_file, help="Another wheel that goes into the slot beside ours.")
@click.argument("out", type=click.Path(dir_okay=False, path_type=Path))
def build(*, version: str, key: Path, certificate: Path, others: tuple[Path, ...], out: Path) -> None:
    """Build this source tree as VERSION and write the signed package to OUT."""
    try:
        rank(version)
        wheels = {other.name: other.read_bytes() for other in others}
        package = sign_package(
            version,
            wheels | {wheel_name(version): build_wheel(version)},
            certificate=load_certificate(certificate.read_bytes()),
            key=read_key(key),
            created_at=datetime.now(UTC).replace(microsecond=0),
        )
        out.write_bytes(package)
    except (BuildError, FirmwareError, CertificateError, IssueError, SealError, OSError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{out}: version {version}, {len(package)} octets, SHA-256 {hashlib.sha256(package).hexdigest()}")
