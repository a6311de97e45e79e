"""The commands about logs at the gateway itself: show, export, verify (interface IF_GW_SRV).

Decides nothing about who may read what: ``readers.py`` does, and whoever types these commands is the service technician
or the verification authority. A consumer log is shown at IF_GW_CON alone, to its consumer (FAU_SAR.1/CON). An exported
log is verified anywhere: that takes neither gateway nor token nor store.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from pki.certificates import Purpose, TrustStore, load_certificate
from pki.errors import CertificateError, CertificateReason
from pki.store import write_atomically
from smgw.clock import GatewayClock
from smgw.composition import open_store
from smgw.config import Configuration
from smgw.hardening import protect_process
from smgw.identity import Identity, OwnCertificates, prove_own
from smgw.keys.cabinet import KeyCabinet, certificates_of
from smgw.keys.state import FIRST, read_state
from smgw.logs import readers
from smgw.logs.exported import EXIT_CODES, tell, verify_exported
from smgw.logs.exporting import export_logs
from smgw.logs.readers import Interface, Reader, require_reader
from smgw.logs.sealing import Sealer
from smgw.logs.signer import good_signer
from smgw.logs.stored import verify_store
from smgw.logs.texts import Language, render
from smgw.store import log_chain
from smgw.store.clock_records import ClockRecords
from smgw.store.database import Database
from smgw.store.events import Log
from smgw.store.log_entry import Entry
from smgw.trust import TrustFolder
from wire.instant import format_instant


@dataclass(frozen=True, slots=True)
class Clocks:
    """What only the entry point owns."""

    now: Callable[[], datetime]
    monotonic: Callable[[], float]


@dataclass(frozen=True, slots=True)
class _Opened:
    """The parts of a gateway that logs have to do with; it may be running meanwhile."""

    configuration: Configuration
    database: Database
    cabinet: KeyCabinet
    trust: TrustStore
    at: datetime
    time_valid: bool

    def identity(self) -> Identity:
        """The SIG key in use with its certificate. Raises TokenError, CertificateError."""
        folder, gateway = self.configuration.trust.certificates, self.configuration.gateway
        generation = read_state(folder).generation
        path = certificates_of(folder, generation) / f"{Purpose.SIG}.pem"
        try:
            certificate = load_certificate(path.read_bytes())
        except OSError as error:
            sentence = f"our own certificate {path} cannot be read: {error.strerror}"
            raise CertificateError(CertificateReason.MALFORMED, sentence) from error
        key = self.cabinet.key(Purpose.SIG, generation)
        seal = generation == FIRST
        verified = prove_own(certificate, Purpose.SIG, gateway, key.public_key(), self.trust, self.at, seal=seal)
        return Identity(gateway, generation, OwnCertificates({Purpose.SIG: verified}), {Purpose.SIG: key}, {})


@contextmanager
def _opened(config: Path, clocks: Clocks) -> Iterator[_Opened]:
    """Raises what a start of the gateway raises."""
    protect_process()
    configuration = Configuration.load(config)
    with open_store(configuration, clocks.monotonic) as (token, database):
        clock = GatewayClock(clocks.now, ClockRecords(database).load())
        at = clock.administration().replace(microsecond=0)
        cabinet = KeyCabinet(token, configuration.wan.tls_key_file)
        trust = TrustFolder(configuration.trust.folder)()
        yield _Opened(configuration, database, cabinet, trust, at, clock.valid(at))


_configuration = click.argument("config", type=click.Path(exists=True, dir_okay=False, path_type=Path))
_role = click.option(
    "--as",
    "role",
    type=click.Choice([readers.Role.TECHNICIAN.value, readers.Role.VERIFICATION_AUTHORITY.value]),
    default=readers.Role.TECHNICIAN.value,
    show_default=True,
    help="Who reads; the technician reads the system log, the verification authority the calibration log.",
)
_logs = [log.value for log in Log]


@click.command(epilog="Example: smgw logs show gateway.toml --lang de")
@_configuration
@click.option("--log", "log", type=click.Choice(_logs), default=Log.SYSTEM.value, show_default=True)
@_role
@click.option("--after", type=click.IntRange(min=0), default=0, help="Only entries with a higher record number.")
@click.option("--lang", type=click.Choice([one.value for one in Language]), default="en", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.pass_obj
def show(clocks: Clocks, *, config: Path, log: str, role: str, after: int, lang: str, as_json: bool) -> None:
    """Print a log, oldest entry first."""
    require_reader(Reader(readers.Role(role), Interface.SERVICE), Log(log))
    with _opened(config, clocks) as opened, opened.database.read() as connection:
        for entry in log_chain.read(connection, (Log(log), ""), after=after):
            print_entry(entry, Language(lang), as_json=as_json)


def print_entry(entry: Entry, language: Language, *, as_json: bool) -> None:
    """One line about ``entry``."""
    if as_json:
        click.echo(json.dumps(told(entry, language), sort_keys=True))
        return
    words = "".join(f" {name}={value}" for name, value in entry.parameters.items())
    click.echo(
        f"{entry.record_number} {format_instant(entry.last_at)} {entry.level.name} {entry.outcome.name} "
        f"{entry.event} {entry.subject}{words} (+{entry.repetition_count}) {render(entry, language)}"
    )


def told(entry: Entry, language: Language) -> dict[str, Any]:
    """The members of one entry for programs."""
    return {
        **entry.signed_fields(),
        "level": entry.level.name,
        "outcome": entry.outcome.name,
        "first_at": format_instant(entry.first_at),
        "last_at": format_instant(entry.last_at),
        "repetition_count": entry.repetition_count,
        "hash": entry.hash.hex(),
        "text": render(entry, language),
    }


@click.command("export", epilog="Example: smgw logs export gateway.toml system.json")
@_configuration
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--log", "log", type=click.Choice(_logs), default=Log.SYSTEM.value, show_default=True)
@_role
@click.pass_obj
def export_command(clocks: Clocks, *, config: Path, file: Path, log: str, role: str) -> None:
    """Seal the logs and write one of them to FILE, with all that it takes to verify it elsewhere."""
    require_reader(Reader(readers.Role(role), Interface.SERVICE), Log(log))
    with _opened(config, clocks) as opened:
        Sealer(opened.database, opened.identity).seal(opened.at, time_valid=opened.time_valid)
        made = export_logs(opened.database, opened.trust, [(Log(log), "")])
    try:
        write_atomically(file, made.to_bytes())
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error.strerror}") from error
    click.echo(f"{log} log: {sum(len(one.entries) for one in made.logs)} entries are in {file}")


@click.command(
    epilog="Examples: smgw logs verify gateway.toml; smgw logs verify --export system.json --root root.pem"
    f"    {EXIT_CODES}; with CONFIG also 3 to 5, where its security module, trust or store cannot be opened."
)
@click.argument("config", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=False)
@click.option("--export", "file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--root", "root", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Root, PEM.")
@click.option("--gateway", help="Whose log the export must be.")
@click.pass_obj
def verify(clocks: Clocks, *, config: Path | None, file: Path | None, root: Path | None, gateway: str | None) -> None:
    """Find out whether logs are as they were written: those of the gateway of CONFIG, or an exported one."""
    if config is not None and file is None and root is None and gateway is None:
        with _opened(config, clocks) as opened, opened.database.read() as connection:
            judge = good_signer(opened.configuration.gateway, opened.trust, opened.at)
            stored = verify_store(connection, judge)
        tell(stored.chains, str(opened.configuration.gateway), stored.sealed_at)
        return
    if config is not None or file is None or root is None:
        raise click.UsageError("give CONFIG, or --export and --root")
    verify_exported(file, root, gateway)
