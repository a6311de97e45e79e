"""``smgw-pki``: the certification authority of the test hierarchy on the command line.

The only place in ``pki`` that has a clock. Exit status: 0 done, 1 refused (the sentence says why and what to do), 2
wrong usage. PINs come from a file or a descriptor, never from the arguments or the environment.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import resources
from os import urandom
from pathlib import Path
from typing import Final

import click
from cryptography.hazmat.primitives.asymmetric import ec

from pki.authority import Authority, Holder, Issued
from pki.certificates import Purpose, Role, load_certificate
from pki.errors import IssueError, IssueReason, TokenError, TokenReason, TrustError
from pki.files import RENEWAL, read_key, read_requests, write_certificates, write_keys
from pki.requests import build_renewal, build_triple, read_triple
from pki.revoke import REASONS
from pki.show import show as show_path
from pki.store import Entry, Store
from pki.token import Token, create_pin_file, initialise_token, read_pin, use_configuration

DEFAULT_MODULE: Final = "/usr/lib/softhsm/libsofthsm2.so"
TOKEN_LABEL: Final = "SM-PKI"  # noqa: S105 - the name of a token
SECURITY_OFFICER_DIGITS: Final = 32

state_argument = click.argument("state", type=click.Path(file_okay=False, path_type=Path))
folder_argument = click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
module_option = click.option(
    "--module", type=click.Path(path_type=Path), default=DEFAULT_MODULE, show_default=True, help="PKCS#11 module."
)
pin_file_option = click.option(
    "--pin-file", type=click.Path(path_type=Path), help="File (mode 0600) with the CA's PIN."
)
pin_descriptor_option = click.option("--pin-fd", type=int, help="Open descriptor from which the CA's PIN is read.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Issue and revoke the certificates of a test SM-PKI.

    \b
    Begin:      smgw-pki init state/pki --pin-file state/pki.pin
    A gateway:  smgw-pki issue state/pki requests/ --role SMGW --name EABC0012345678 --pin-file state/pki.pin
    A new one:  smgw-pki issue state/pki requests/ --role SMGW --name EABC0012345678 --seal --pin-file state/pki.pin
    An EMT:     smgw-pki issue state/pki netz/ --generate --role EMT --name Netz --pin-file state/pki.pin
    Weekly:     smgw-pki crl state/pki --pin-file state/pki.pin
    Look:       smgw-pki show state/pki

    Everybody else gets the folder STATE/trust (root, sub-CAs, revocation lists).
    """  # noqa: D301 - \b keeps click from filling the lines


@main.command()
@state_argument
@click.option(
    "--hierarchy", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Names and validity (TOML)."
)
@module_option
@pin_file_option
@pin_descriptor_option
def init(*, state: Path, hierarchy: Path | None, module: Path, pin_file: Path | None, pin_fd: int | None) -> None:
    """Make a new hierarchy in STATE: a token with the CA keys, root, sub-CAs, revocation lists.

    A --pin-file that does not exist is made, with a random PIN.
    """
    with _refusals():
        if pin_file is not None and not pin_file.exists():
            create_pin_file(pin_file, urandom)
            click.echo(f"new PIN in {pin_file}")
        pin = _pin(pin_file, pin_fd)
        plan = hierarchy or Path(str(resources.files("pki").joinpath("hierarchy.toml")))
        store = Store.create(state, plan.read_text("utf-8"))
        use_configuration(store.configuration)
        # Drawn and forgotten: the security officer's PIN could only reset the user's, which nobody shall do.
        officer = "".join(str(octet % 10) for octet in urandom(SECURITY_OFFICER_DIGITS))
        initialise_token(module, TOKEN_LABEL, pin, officer)
        with Token.open(module, TOKEN_LABEL, pin, monotonic=time.monotonic) as token:
            Authority(store, token).set_up(_now())
        click.echo(f"root and sub-CAs are ready; distribute {store.trust}")


@main.command()
@state_argument
@folder_argument
@click.option("--role", type=click.Choice(["SMGW", "EMT", "GWA", "GWH"]), required=True, help="Who asks.")
@click.option("--name", required=True, help="Identification of the gateway, or name of the organisation.")
@click.option("--host", "hosts", multiple=True, help="DNS name for a TLS certificate (not SMGW); repeatable.")
@click.option("--seal", is_flag=True, help="Quality-seal certificates of the manufacturer's CA (SMGW only).")
@click.option("--generate", is_flag=True, help="Make software keys in FOLDER first (not SMGW).")
@module_option
@pin_file_option
@pin_descriptor_option
def issue(
    *,
    state: Path,
    folder: Path,
    role: str,
    name: str,
    hosts: tuple[str, ...],
    seal: bool,
    generate: bool,
    module: Path,
    pin_file: Path | None,
    pin_fd: int | None,
) -> None:
    """Certify the requests TLS.csr, SIG.csr, ENC.csr in FOLDER; writes TLS.pem, SIG.pem, ENC.pem beside them.

    With --seal the certificates are those that a gateway leaves the factory with: good for its enrolment only. Its
    renewal, signed with that SIG key, gets operational ones.
    """
    holder = Holder(Role(role), name, hosts)
    with _refusals(), _authority(state, module, pin_file, pin_fd) as authority:
        if generate:
            if holder.role is Role.SMGW:
                raise IssueError(IssueReason.REQUEST, "the keys of a gateway are made in its token: smgw init")
            if any(folder.glob("*.key")):
                raise IssueError(IssueReason.STATE, f"{folder} has keys already; renew, or choose another folder")
            keys = _software_keys()
            issued = authority.issue(build_triple(keys, holder.common_name), holder, _now(), seal=seal)
            write_keys(folder, keys)
        else:
            triple = read_triple(read_requests(folder), holder.common_name)
            issued = authority.issue(triple, holder, _now(), seal=seal)
        _deliver(folder, issued)


@main.command()
@state_argument
@folder_argument
@click.option("--generate", is_flag=True, help="Make new software keys and sign the renewal with SIG.key in FOLDER.")
@module_option
@pin_file_option
@pin_descriptor_option
def renew(
    *, state: Path, folder: Path, generate: bool, module: Path, pin_file: Path | None, pin_fd: int | None
) -> None:
    """Certify the renewal in FOLDER/renewal.der, which the holder's current SIG key has signed."""
    with _refusals(), _authority(state, module, pin_file, pin_fd) as authority:
        if generate:
            current = load_certificate(_read(folder / "SIG.pem"))
            keys = _software_keys()
            common_name = str(next(iter(current.subject)).value)
            document = build_renewal(build_triple(keys, common_name), current, read_key(folder / "SIG.key"))
            issued = authority.renew(document, _now())
            write_keys(folder, keys)
        else:
            issued = authority.renew(_read(folder / RENEWAL), _now())
        _deliver(folder, issued)


@main.command()
@state_argument
@click.argument("certificates", nargs=-1, required=True)
@click.option("--reason", type=click.Choice(list(REASONS)), default="unspecified", show_default=True)
@module_option
@pin_file_option
@pin_descriptor_option
def revoke(
    *, state: Path, certificates: tuple[str, ...], reason: str, module: Path, pin_file: Path | None, pin_fd: int | None
) -> None:
    """Take back CERTIFICATES (serial numbers, fingerprints or PEM files) and publish new lists.

    \b
    smgw-pki revoke state/pki netz/TLS.pem netz/SIG.pem netz/ENC.pem --reason key-compromise --pin-file state/pki.pin
    """  # noqa: D301
    with _refusals(), _authority(state, module, pin_file, pin_fd) as authority:
        handles = [_handle(given) for given in certificates]
        for entry in authority.revoke(handles, reason, _now()):
            click.echo(f"revoked {_holder_of(entry)} {entry.purpose} {entry.serial}")
        click.echo(f"new lists in {state / 'trust'}")


@main.command()
@state_argument
@module_option
@pin_file_option
@pin_descriptor_option
def crl(*, state: Path, module: Path, pin_file: Path | None, pin_fd: int | None) -> None:
    """Publish new revocation lists; due before the current ones are over (sub-CAs: 7 days)."""
    with _refusals(), _authority(state, module, pin_file, pin_fd) as authority:
        authority.publish_lists(_now())
        click.echo(f"new lists in {state / 'trust'}")


@main.command()
@click.argument("path", type=click.Path(exists=True, path_type=Path))
def show(path: Path) -> None:
    """Print the certificate or list in a file, a trust folder, or the state folder of an authority."""
    with _refusals():
        click.echo(show_path(path))


@contextmanager
def _authority(state: Path, module: Path, pin_file: Path | None, pin_fd: int | None) -> Iterator[Authority]:
    store = Store(state)
    store.read()
    use_configuration(store.configuration)
    with Token.open(module, TOKEN_LABEL, _pin(pin_file, pin_fd), monotonic=time.monotonic) as token:
        yield Authority(store, token)


@contextmanager
def _refusals() -> Iterator[None]:
    """The edge: every refusal becomes one sentence on standard error and exit status 1."""
    try:
        yield
    except TrustError as error:
        click.echo(f"smgw-pki: {error}", err=True)
        sys.exit(1)


def _pin(pin_file: Path | None, pin_fd: int | None) -> str:
    if (pin_file is None) is (pin_fd is None):
        raise TokenError(TokenReason.PIN_FILE, "give the PIN with --pin-file or --pin-fd")
    return read_pin(pin_file if pin_file is not None else int(pin_fd or 0))


def _software_keys() -> dict[Purpose, ec.EllipticCurvePrivateKey]:
    return {purpose: ec.generate_private_key(ec.BrainpoolP256R1()) for purpose in Purpose}


def _deliver(folder: Path, issued: Issued) -> None:
    write_certificates(folder, issued.certificates)
    click.echo(f"{issued.holder.common_name}: certificates of generation {issued.generation} in {folder}")


def _handle(given: str) -> str:
    return f"{load_certificate(_read(Path(given))).serial_number:x}" if given.endswith(".pem") else given


def _holder_of(entry: Entry) -> str:
    return f"{entry.name}.{entry.role}"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise IssueError(IssueReason.STATE, f"{path} cannot be read: {error.strerror}") from error


def _now() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    main()
