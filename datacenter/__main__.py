"""``smgw-datacenter``: receive, look, hand on. The composition root: it alone reads the configuration and the clock."""

import json
import logging
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

import click

from datacenter import config as configuration
from datacenter import database, export, queries
from datacenter.errors import DatacenterError, InnerSignatureError, StorageError
from datacenter.queries import Selection
from datacenter.trust import Ground, Trust
from pki.certificates import Purpose, Role
from pki.errors import CertificateError
from wire.errors import ReadingError
from wire.instant import format_instant, parse_instant

EXIT_FAILED, EXIT_DATABASE, EXIT_SIGNATURE = 1, 3, 4
"""Beside 0 and click's 2 for a wrong command line: unusable configuration, no database, a signature that fails."""

Config = configuration.Config


def _instant(ctx: click.Context, param: click.Parameter, value: str | None) -> datetime | None:
    if value is None:
        return None
    try:
        return parse_instant(f"{value}T00:00:00Z" if len(value) == len("2026-01-31") else value)
    except ReadingError as error:
        raise click.BadParameter("expected 2026-01-31 or 2026-01-31T12:00:00Z", ctx, param) from error


_config_option = click.option(
    "--config",
    "path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=Path("datacenter.toml"),
    show_default=True,
    help="Configuration file (TOML).",
)
_json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")


def _selecting(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option("--limit", type=click.IntRange(min=1), help="At most so many readings."),
        click.option("--until", callback=_instant, metavar="TIME", help="Captured before this time (UTC)."),
        click.option("--since", callback=_instant, metavar="TIME", help="Captured at or after this time (UTC)."),
        click.option("--obis", help="One quantity, 1-0:1.8.0*255."),
        click.option("--device", help="One meter, 14 characters."),
        click.option("--gateway", help="One gateway, 14 characters."),
        _config_option,
    ):
        command = option(command)
    return command


@click.group(epilog="Example: smgw-datacenter serve --config datacenter.toml")
@click.version_option(package_name="smart-meter-gateway")
def main() -> None:
    """The external market participant: verifies what gateways deliver, stores it, hands it on."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")


@main.command(epilog="Example: smgw-datacenter serve --config datacenter.toml")
@_config_option
def serve(path: Path) -> None:
    """Receive deliveries until SIGTERM: mutual TLS on a port, or behind a TLS front on a Unix socket."""
    # Not at the top: the other commands need neither gunicorn nor Flask.
    try:
        from datacenter import serve as server  # noqa: PLC0415
        from datacenter.tls import restart_with_groups  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise click.ClickException(
            f"{error.name} is not installed; a server needs more than a gateway: "
            "pip install 'smart-meter-gateway[datacenter]'"
        ) from error

    with _sentences():
        config = configuration.load(path)
        if config.listen.socket is None:
            restart_with_groups()
        server.run(config)


@main.command(epilog="Example: smgw-datacenter front /etc/smgw/front --user www-data")
@_config_option
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--user", help="Who nginx's workers become when root starts it.")
def front(path: Path, folder: Path, user: str | None) -> None:
    """Write nginx.conf and its bundles into FOLDER; again, with `nginx -s reload`, whenever trust files changed."""
    from datacenter.front import write_nginx  # noqa: PLC0415 - beside its command

    with _sentences():
        click.echo(str(write_nginx(configuration.load(path), folder, user=user)))


@main.command(epilog="Example: smgw-datacenter readings --device 1ISK0012345678 --since 2026-01-01 --json --verify")
@_selecting
@_json_option
@click.option("--verify", "verified", is_flag=True, help="Check each inner signature; stop at one that fails.")
def readings(path: Path, as_json: bool, verified: bool, **selection: Any) -> None:
    """Print stored readings."""
    with _opened(path) as (config, connection):
        require = _verifier(config).require if verified else _as_stored
        for stored in export.checked(queries.readings(connection, Selection(**selection)), require):
            row = dict(zip(export.COLUMNS, export.fields(stored), strict=True))
            if as_json:
                click.echo(json.dumps(row))
            else:
                text = "{gateway} {device} {obis:<18} {captured_at} {value:>16} {unit} {profile}".format(**row).rstrip()
                click.echo(text if row["signature"] else f"{text} (pseudonymous, not signed)")


@main.command(epilog="Example: smgw-datacenter gaps --gateway EABC0012345678 --json")
@_config_option
@click.option("--gateway", help="One gateway, 14 characters.")
@_json_option
def gaps(path: Path, gateway: str | None, as_json: bool) -> None:
    """Say what is missing: sequence numbers of deliveries, and points in the series of TAF-7."""
    with _opened(path) as (config, connection):
        for missing in queries.sequence_gaps(connection, gateway):
            gap = missing.gap
            row: dict[str, Any] = {"kind": "sequence", "gateway": missing.gateway, "profile": missing.profile}
            row |= {"first": gap.first, "last": gap.last, "count": gap.count}
            text = f"{missing.gateway} {missing.profile}: {gap.count} deliveries missing, {gap.first}..{gap.last}"
            click.echo(json.dumps(row) if as_json else text)
        for hole in queries.raster_gaps(connection, config.rasters, gateway):
            first, last = (format_instant(datetime.fromtimestamp(s, UTC)) for s in (hole.gap.first, hole.gap.last))
            row = {"kind": "raster", "gateway": hole.gateway, "device": hole.device, "obis": hole.obis}
            row |= {"raster_seconds": hole.raster_seconds, "inferred": hole.inferred}
            row |= {"first": first, "last": last, "count": hole.gap.count}
            how = "inferred" if hole.inferred else "agreed"
            text = f"{hole.gateway} {hole.device} {hole.obis}: {hole.gap.count} points missing, {first}..{last}"
            click.echo(json.dumps(row) if as_json else f"{text} ({how} raster {hole.raster_seconds} s)")


@main.command("export", epilog="Example: smgw-datacenter export --since 2026-01-01 --until 2026-02-01 january.csv")
@_selecting
@click.argument("target", type=click.Path(path_type=Path, dir_okay=False, writable=True))
def export_command(path: Path, target: Path, **selection: Any) -> None:
    """Write readings to TARGET as CSV, each one's inner signature checked; a failure leaves no file."""
    with _opened(path) as (config, connection), _appearing(target) as file:
        rows = queries.readings(connection, Selection(**selection))
        verifier = _verifier(config)
        count = export.write_csv(rows, verifier.require, file)
    held = f"{verifier.verified} inner signatures hold, {verifier.unsigned} pseudonymous readings have none"
    click.echo(f"{count} readings, {held if verifier.unsigned else 'every inner signature holds'}", err=True)


@main.command(epilog="Example: smgw-datacenter verify --since 2026-01-01")
@_selecting
def verify(path: Path, **selection: Any) -> None:
    """Check the inner signature of stored readings; name every one that fails.

    Readings that came under a pseudonym carry none; they are counted by themselves and not verified.
    """
    bad = 0
    with _opened(path) as (config, connection):
        verifier = _verifier(config)
        for stored in queries.readings(connection, Selection(**selection)):
            try:
                verifier.require(stored)
            except InnerSignatureError as error:
                bad += 1
                click.echo(str(error))
    unsigned = f", {verifier.unsigned} pseudonymous, not signed and not verified" if verifier.unsigned else ""
    click.echo(f"{verifier.verified} hold, {bad} fail{unsigned}")
    if bad:
        sys.exit(EXIT_SIGNATURE)


@main.command(epilog="Example: smgw-datacenter gateways")
@_config_option
@_json_option
def gateways(path: Path, as_json: bool) -> None:
    """List registered gateways and administrators: what their certificates are worth now, what gateways delivered.

    What an administrator forwarded stands under the pseudonyms, not under his name.
    """
    with _opened(path) as (config, connection):
        ground, now = _ground(config), datetime.now(UTC)
        delivered = queries.deliveries(connection)
        registry = ground.registry
        senders = [(Role.SMGW, *each) for each in sorted(registry.gateways.items())]
        senders += [(Role.GWA, *each) for each in sorted(registry.administrators.items())]
        for role, name, registered in senders:
            count, last = delivered.get(name, (0, None))
            row: dict[str, Any] = {"gateway": name, "role": role.value, "deliveries": count}
            row["last"] = None if last is None else format_instant(datetime.fromtimestamp(last, UTC))
            for purpose, certificates in ((Purpose.TLS, registered.tunnel), (Purpose.SIG, registered.signature)):
                row[purpose.value] = [_worth(ground, mark, certificates, (role, purpose), now) for mark in certificates]
            text = "{gateway} TLS {0} SIG {1} deliveries {deliveries} last {last}"
            states = [",".join(row[purpose.value]) or "none" for purpose in (Purpose.TLS, Purpose.SIG)]
            click.echo(json.dumps(row) if as_json else text.format(*states, **row))


@main.command(epilog="Example: smgw-datacenter refusals --json")
@_config_option
@_json_option
def refusals(path: Path, as_json: bool) -> None:
    """List who was refused, why, from when until when and how often; the latest first."""
    from datacenter.refusals import Refusals  # noqa: PLC0415 - beside its command

    with _sentences():
        for each in Refusals(database.engine(configuration.load(path).database)).all():
            first, last = (format_instant(datetime.fromtimestamp(s, UTC)) for s in (each.first_at, each.last_at))
            row = {"gateway": each.gateway, "reason": each.reason, "detail": each.detail, "times": each.times}
            row |= {"first": first, "last": last}
            text = f"{last} {each.gateway or '(unknown)':<14} {each.reason} {each.detail} x{each.times} since {first}"
            click.echo(json.dumps(row) if as_json else text)


@contextmanager
def _sentences() -> Iterator[None]:
    """An error becomes one sentence and an exit code; nobody is shown a trace."""
    try:
        yield
    except InnerSignatureError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(EXIT_SIGNATURE)
    except StorageError as error:
        click.echo(f"Error: the database does not answer: {error}", err=True)
        sys.exit(EXIT_DATABASE)
    except DatacenterError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(EXIT_FAILED)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Config, Any]]:
    """The configuration and one consistent view of the database."""
    with _sentences():
        config = configuration.load(path)
        engine = database.engine(config.database)
        database.prepare(engine)
        with database.reading(engine) as connection:
            yield config, connection


@contextmanager
def _appearing(target: Path) -> Iterator[TextIO]:
    """A file that is there under its name only when it is complete, readable by its owner alone; ``-`` is stdout."""
    if str(target) == "-":
        yield sys.stdout
        return
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink()
        raise


def _ground(config: Config) -> Ground:
    return Trust(config.trust, config.gateways, time.monotonic, config.administrators).current()


def _verifier(config: Config) -> export.Verifier:
    return export.Verifier(_ground(config), datetime.now(UTC))


def _as_stored(stored: queries.StoredReading) -> queries.StoredReading:
    return stored


def _worth(ground: Ground, mark: str, certificates: Any, kind: tuple[Role, Purpose], now: datetime) -> str:
    role, purpose = kind
    try:
        ground.store.verify(certificates[mark], role=role, purpose=purpose, at=now, pinned=certificates.keys())
    except CertificateError as error:
        return error.reason.value
    return f"good until {certificates[mark].not_valid_after_utc:%Y-%m-%d}"


if __name__ == "__main__":
    main()
