"""``smgw-admin audit``: read the audit log, prove it, keep its head elsewhere."""

from pathlib import Path

import click
from cryptography import x509

from admin.audit import Head, verify
from admin.errors import ConfigError
from admin.exit import Exit, leave
from admin.session import Session, administers
from pki.certificates import load_certificate
from pki.errors import CertificateError

_file = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group(epilog="Example: smgw-admin audit verify --head /media/stick/audit-head.json")
def audit() -> None:
    """Read and prove the audit log."""


@audit.command("list", epilog="Example: smgw-admin audit list --after 100 --json")
@click.option("--after", type=click.IntRange(min=0), help="Entries after this number; else the latest.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many.")
@administers
def list_(session: Session, *, after: int | None, limit: int) -> None:
    """List entries, oldest first."""
    with session.office() as office:
        log = office.audit
        found = log.latest(limit) if after is None else log.entries(after=after, limit=limit)
    rows = [
        {
            "number": entry.number,
            "at": entry.at,
            "action": entry.action,
            "subject": entry.subject,
            "by": entry.by,
            "parameters": dict(entry.parameters),
        }
        for entry in found
    ]
    session.rows(("number", "at", "action", "subject", "by", "parameters"), rows, "the audit log is empty")


@audit.command("head", epilog="Example: smgw-admin audit head > /media/stick/audit-head.json")
@administers
def head_(session: Session) -> None:
    """Print the last entry as a proof that the log reached so far; keep it where this machine cannot change it."""
    with session.office() as office:
        found = office.audit.head()
    if found is None:
        leave(Exit.REFUSED, "the audit log is empty")
    click.echo(found.to_bytes())


@audit.command("verify", epilog="Example: smgw-admin audit verify --head audit-head.json --certificate old/SIG.pem")
@click.option("--head", "head_file", type=_file, help="A head that was kept elsewhere: what the log must still hold.")
@click.option(
    "--certificate", "certificates", multiple=True, type=_file, help="A former SIG certificate of ours; repeatable."
)
@administers
def verify_(session: Session, *, head_file: Path | None, certificates: tuple[Path, ...]) -> None:
    """Prove that no entry was changed, taken out or put in, and name the first one that was.

    An end that was cut off can only be noticed with a head that was kept elsewhere.
    """
    known = None if head_file is None else Head.from_bytes(_read(head_file))
    with session.office() as office:
        ours = [office.signature_certificate(), *map(_certificate, certificates)]
        count = verify(office.engine, ours, known)
    told = (
        "its end is as the known head has it, or later"
        if known
        else "an end that was cut off would not be seen: no --head was given"
    )
    session.one(
        {"entries": count, "head_known": known is not None}, f"{count} entries are as they were written; {told}"
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error


def _certificate(path: Path) -> x509.Certificate:
    try:
        return load_certificate(_read(path))
    except CertificateError as error:
        raise ConfigError(f"{path}: {error}") from error
