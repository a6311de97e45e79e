"""``smgw-verify``: check an export with nothing but the export and the root certificate.

Decides how the files are opened and with which word to the caller it ends. Loads no part of a gateway, opens no
network, keeps nothing. PP-0073 FCO_NRO.2, FAU_STG.2.
"""

import json
import os
import sys
from enum import IntEnum
from pathlib import Path
from typing import NoReturn

import click
from cryptography import x509

from proof.bundle import BundleError
from proof.errors import LogIntegrityError, ProofError
from proof.verify import MAXIMUM_BYTES, Progress, verify
from proof.words import Language, say, told

_FILE = click.Path(readable=False, path_type=Path)
"""Whether it can be read is found out by reading it, so that each refusal is one sentence with one exit code."""
_MANY = 2000
"""Readings from which on a person wants to see that something happens: about a second."""


class Exit(IntEnum):
    """Exit codes; 2 is click's for a wrong command line."""

    GENUINE = 0
    NOT_GENUINE = 1
    NOTHING_TO_CHECK = 3
    """A file cannot be read, is no proof and no exported log as a gateway writes them, is another gateway's, or holds
    neither a value nor a log."""


def _language() -> str:
    chosen = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return (Language.GERMAN if chosen.startswith("de") else Language.ENGLISH).value


@click.command(
    epilog="Example: smgw-verify 2026-proof.json --root root.pem    Exit codes: 0 everything in EXPORT is genuine,"
    " 1 something is not (whatever an exported log was altered to), 2 wrong command line, 3 there was nothing to check:"
    " no such file, neither a proof nor an exported log as a gateway writes them, another gateway's proof, no root."
)
@click.argument("export", type=_FILE)
@click.option("--root", required=True, type=_FILE, help="Root certificate of the SM-PKI, PEM; not from whom you check.")
@click.option("--gateway", help="Identification that EXPORT must be of; it is printed on the gateway.")
@click.option("--json", "as_json", is_flag=True, help="The whole report as one JSON object.")
@click.option(
    "--language",
    type=click.Choice([each.value for each in Language]),
    default=_language,
    help="Of the report; by default that of the terminal.",
)
def main(export: Path, root: Path, gateway: str | None, language: str, *, as_json: bool) -> None:
    """Check the inner signatures and the log of EXPORT, without gateway, store, token and network.

    EXPORT is the proof that the customer's page of a gateway hands out, or an exported log alone.
    """
    tongue = Language(language)
    data, roots = _read(export, MAXIMUM_BYTES), _roots(root)
    try:
        report = verify(data, roots, gateway=gateway, progress=_progress(tongue))
    except (BundleError, LogIntegrityError, ProofError) as error:
        why = "" if isinstance(error, ProofError) else f" {say(tongue, 'page.refused.form')}"
        _refuse(f"{export}: {error}.{why}")
    if as_json:
        click.echo(json.dumps(report.to_json(), sort_keys=True))
    else:
        for line in told(report, tongue):
            click.echo(line)
    if not report.readings and report.log is None:
        sys.exit(Exit.NOTHING_TO_CHECK)
    sys.exit(Exit.GENUINE if report.genuine else Exit.NOT_GENUINE)


def _read(file: Path, most: int) -> bytes:
    try:
        with file.open("rb") as opened:
            data = opened.read(most + 1)
    except OSError as error:
        _refuse(f"{file} cannot be read: {error.strerror}")
    if len(data) > most:
        _refuse(f"{file} is larger than any export ({most} octets)")
    return data


def _roots(file: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(_read(file, MAXIMUM_BYTES))
    except ValueError:
        _refuse(
            f"{file} holds no certificate: give a file that begins with -----BEGIN CERTIFICATE-----"
            f" (openssl x509 -inform DER -in {file.name} -out root.pem makes one of a DER file)"
        )


def _progress(language: Language) -> Progress:
    """On standard error, where somebody sits before it."""

    def tell(done: int, whole: int) -> None:
        if whole > _MANY and sys.stderr.isatty():
            text = say(language, "page.progress", done=done, all=whole)
            click.echo(f"\r{text}", nl=done == whole, err=True)

    return tell


def _refuse(sentence: str) -> NoReturn:
    click.echo(f"smgw-verify: {sentence}", err=True)
    sys.exit(Exit.NOTHING_TO_CHECK)


if __name__ == "__main__":
    main(prog_name="python -m proof")
