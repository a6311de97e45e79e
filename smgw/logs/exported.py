"""``smgw logs verify --export``: a log from elsewhere, checked without loading anything of a gateway.

Decides how the files are opened and what is said; whether the log holds is decided by ``proof.log_export``. Reached
from ``smgw.start`` without the store and the token being loaded, and from ``command.py`` where both forms are known.
PP-0073 FAU_STG.2.
"""

import sys
from datetime import datetime
from pathlib import Path
from typing import Final

import click
from cryptography import x509

from proof.chain import Verified, name_of
from proof.errors import IntegrityReason, LogIntegrityError
from proof.log_export import MAXIMUM_BYTES, Export, verify_export
from wire.instant import format_instant

EXIT_LOG: Final = 13
"""A log is not as it was written; ``smgw.__main__.Exit.LOG``, which stands in a file that loads a gateway."""
EXIT_CODES: Final = (
    f"Exit codes: 0 the logs are as they were written, {EXIT_LOG} they are not, or it is no exported log, or another"
    " gateway's (the sentence begins with the reason), 2 wrong command line, no such file, or no root certificate"
)


@click.command(epilog=f"Example: smgw logs verify --export system.json --root root.pem    {EXIT_CODES}.")
@click.option("--export", "file", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--root", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Root, PEM.")
@click.option("--gateway", help="Whose log the export must be.")
def verify_alone(file: Path, root: Path, gateway: str | None) -> None:
    """Find out whether an exported log is as it was written."""
    try:
        verify_exported(file, root, gateway)
    except LogIntegrityError as error:
        click.echo(f"smgw: {error.reason.value}: {error}", err=True)
        sys.exit(EXIT_LOG)


def verify_exported(file: Path, root: Path, gateway: str | None) -> None:
    """Check ``file`` and say what came of it. Raises LogIntegrityError, UsageError."""
    if file.stat().st_size > MAXIMUM_BYTES:
        raise LogIntegrityError(IntegrityReason.FORM, f"{file} is larger than any export")
    try:
        roots = x509.load_pem_x509_certificates(root.read_bytes())
    except ValueError as error:
        raise click.UsageError(f"{root} holds no certificate") from error
    verified = verify_export(Export.from_bytes(file.read_bytes()), roots, gateway)
    tell(verified.logs, verified.gateway, verified.sealed_at)


def tell(chains: tuple[Verified, ...], gateway: str, sealed_at: datetime | None) -> None:
    """What was found to be as it was written, line by line."""
    sealed = "nothing is signed yet" if sealed_at is None else f"signed {format_instant(sealed_at)}"
    click.echo(f"gateway {gateway}: {sealed}")
    for one in chains:
        # Whose consumer logs there are is nothing for a technician (FDP_ACF.1).
        name = name_of(one.log)
        if one.last < one.first:
            click.echo(f"{name}: it holds no record, and none is missing")
            continue
        unsigned = f"; the last {one.unsigned} are not signed yet and prove nothing" if one.unsigned else ""
        click.echo(f"{name}: records {one.first} to {one.last} are as they were written{unsigned}")
