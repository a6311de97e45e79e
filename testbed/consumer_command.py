"""``smgw-testbed consumer-log``: what a consumer finds about herself at her gateway, told and exported.

Stands in for the consumer at IF_GW_CON, where no page is served yet: the door behind it is the gateway's own
(``smgw/han/consumer_log.py``), which lets in her alone and notes that she read. Whoever types it holds the PIN of the
gateway's token, which outside of a testbed nobody does.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click

from pki.errors import CertificateError, TokenError, TrustError
from pki.store import write_atomically
from proof.log_export import Export
from smgw.composition import open_store
from smgw.config import Configuration, ConfigurationError
from smgw.han.consumer_log import ConsumerLogs
from smgw.hardening import protect_process
from smgw.logs.errors import LogIntegrityError
from smgw.logs.readers import Interface, Reader, Role
from smgw.logs.texts import Language, render
from smgw.store.database import Database
from smgw.store.errors import StoreError
from smgw.store.events import Event
from smgw.store.log_entry import Entry
from smgw.store.logs import SystemLog
from smgw.trust import TrustFolder
from wire.instant import format_instant


@dataclass(frozen=True, slots=True)
class Read:
    """What she took away."""

    lines: tuple[str, ...]
    """The newest entry of each kind, covers apart, oldest first; each in every language that was asked for."""
    export: Export | None


@click.command("consumer-log", epilog="Example: smgw-testbed consumer-log gateway.toml house --lang de --lang en")
@click.argument("config", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("consumer")
@click.option(
    "--lang",
    "languages",
    type=click.Choice([one.value for one in Language]),
    multiple=True,
    default=["de"],
    show_default=True,
)
@click.option("--export", "file", type=click.Path(dir_okay=False, path_type=Path), help="Write the whole log to FILE.")
def consumer_log(config: Path, consumer: str, languages: tuple[str, ...], file: Path | None) -> None:
    """Read the log of CONSUMER as CONSUMER does, at the gateway of CONFIG, which may be running meanwhile.

    Of each kind of event the newest entry is shown, and no cover; the export holds all.
    """
    protect_process()
    spoken = [Language(one) for one in languages]
    try:
        configuration = Configuration.load(config)
        with open_store(configuration, time.monotonic) as (_, database):
            read = read_log(database, configuration.trust.folder, consumer, spoken, export=file is not None)
        if file is not None and read.export is not None:
            write_atomically(file, read.export.to_bytes())
    except (ConfigurationError, TokenError, CertificateError, TrustError, LogIntegrityError, StoreError) as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{file}: {error.strerror}") from error
    for line in read.lines:
        click.echo(line)


def read_log(database: Database, trust: Path, consumer: str, languages: Sequence[Language], *, export: bool) -> Read:
    """Read as ``consumer``; the export rests on the gateway's last checkpoint.

    Raises LogIntegrityError, CertificateError, TrustError, StoreError.
    """
    logs, her = ConsumerLogs(database, SystemLog(database)), Reader(Role.CONSUMER, Interface.CONSUMER, consumer)
    now = datetime.now(UTC).replace(microsecond=0)
    newest: dict[Event, Entry] = {}
    after = 0
    # That she reads is an entry too, and the same one each time: the second page after the last entry is empty.
    while page := logs.page(her, consumer, Language.ENGLISH, now, after=after):
        for shown in page:
            if shown.entry.parameters.get("values") == 0:
                continue  # a cover
            newest.pop(shown.entry.event, None)
            newest[shown.entry.event] = shown.entry
        after = page[-1].entry.record_number
    lines = tuple(
        f"{language} {format_instant(entry.last_at)} {render(entry, language)}"
        for entry in newest.values()
        for language in languages
    )
    return Read(lines, logs.export(her, consumer, TrustFolder(trust)(), now) if export else None)
