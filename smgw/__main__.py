"""``smgw``: the gateway's command line, and the only place that owns a clock, randomness and threads of its own.

Decides when the gateway starts and stops, and with which word to the caller it does not start. Developer logging goes
to standard error; the logs are stored data and are read with ``smgw logs``.
"""

import json
import logging
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path

import click

from pki.errors import CertificateError, TokenError, TrustError, TunnelError
from pki.new_token import create_token
from smgw.clock import GatewayClock
from smgw.clock_watch import LOOK_SECONDS, ClockWatch, describe
from smgw.composed import Composed, Environment
from smgw.composition import compose, open_store, open_token
from smgw.config import Configuration, ConfigurationError
from smgw.enrolment import enrol
from smgw.firewall.apply import FirewallError, PacketFilter
from smgw.firewall.parts import rules_of
from smgw.firewall.watch import describe_firewall
from smgw.firmware.trial import TrialFailedError
from smgw.han.service import describe_page
from smgw.han.settings import ServingError
from smgw.hardening import protect_process
from smgw.lmn.port import Port, PortError
from smgw.lmn.scan import scan as scan_line
from smgw.lock import AlreadyRunningError, identity_lock
from smgw.logs.command import Clocks, export_command, show, verify
from smgw.logs.errors import LogAccessError, LogIntegrityError
from smgw.logs.exported import EXIT_LOG
from smgw.provisioning import ImportRefusedError
from smgw.recalculation.command import EXIT_NO_BILL, tariff
from smgw.report import KEY_IN_MEMORY, describe_retention, describe_slots
from smgw.status import StatusError, StatusServer, read_status
from smgw.store.clock_records import ClockRecords
from smgw.store.errors import StoreError
from smgw.store.logs import Event, Outcome
from smgw.store.profiles import ProfileStore
from smgw.timekeeping import describe_clock, describe_states
from smgw.wan.parts import WakeUpPortError

_logger = logging.getLogger("smgw")


class Exit(IntEnum):
    """Exit codes; 2 is also what click uses for a wrong command line."""

    DEFECT = 1
    CONFIGURATION = 2
    SECURITY_MODULE = 3
    TRUST = 4
    STORE = 5
    RUNNING = 6
    NOT_RUNNING = 7
    LINE = 8
    ADDRESS = 9
    """The wake-up port cannot be opened."""
    SELF_TEST = 10
    """On trial, this program failed its self-test: the launcher goes back to the former one."""
    FIREWALL = 12
    """The configured firewall cannot be applied: nothing was opened. (11 is the launcher's.)"""
    LOG = EXIT_LOG
    """A log is not as it was written."""
    ACCESS = 14
    """Who asks may not read this log."""
    NO_BILL = EXIT_NO_BILL
    """There is no bill for these files."""
    PAGE = 16
    """The page for the home area network cannot be served."""
    RESTART = 75
    """Ended in order, by the administrator's order: start it again (EX_TEMPFAIL of sysexits.h)."""


@contextmanager
def _refusals() -> Iterator[None]:
    """Turn every refusal to start into one sentence and its exit code."""
    try:
        yield
    except ConfigurationError as error:
        code, sentence = Exit.CONFIGURATION, str(error)
    except AlreadyRunningError as error:
        code, sentence = Exit.RUNNING, str(error)
    except TokenError as error:
        code, sentence = Exit.SECURITY_MODULE, f"security module: {error.reason.value}: {error}"
    except ImportRefusedError as error:
        code, sentence = Exit.TRUST, f"the administrator's profile: {error.reason.value}: {error}"
    except WakeUpPortError as error:
        code, sentence = Exit.ADDRESS, str(error)
    except (CertificateError, TunnelError) as error:
        code, sentence = Exit.TRUST, f"trust: {error.reason.value}: {error}"
    except TrustError as error:
        code, sentence = Exit.TRUST, f"trust: {error}"
    except StoreError as error:
        code, sentence = Exit.STORE, f"store: {error}"
    except TrialFailedError as error:
        code, sentence = Exit.SELF_TEST, str(error)
    except FirewallError as error:
        code, sentence = Exit.FIREWALL, f"firewall: {error.reason.value}: {error}"
    except StatusError as error:
        code, sentence = Exit.NOT_RUNNING, str(error)
    except LogIntegrityError as error:
        code, sentence = Exit.LOG, f"{error.reason.value}: {error}"
    except LogAccessError as error:
        code, sentence = Exit.ACCESS, str(error)
    except ServingError as error:
        code, sentence = Exit.PAGE, str(error)
    except PortError as error:
        code, sentence = Exit.LINE, f"line: {error}"
    else:
        return
    click.echo(f"smgw: {sentence}", err=True)
    sys.exit(code)


_configuration = click.argument("config", type=click.Path(exists=True, dir_okay=False, path_type=Path))


@click.group(epilog="Example: smgw init gateway.toml; smgw run gateway.toml")
@click.version_option(package_name="smart-meter-gateway")
def main() -> None:
    """A Smart Meter Gateway: reads meters, stores, decides, seals and delivers."""


@main.command()
@_configuration
@click.option("--create-token", "create", is_flag=True, help="Make the token and its PIN files where there are none.")
def init(config: Path, *, create: bool) -> None:
    """Generate keys in the security module, write TLS.csr, SIG.csr and ENC.csr, create the encrypted store."""
    protect_process()
    with _refusals():
        configuration = Configuration.load(config)
        if create:
            create_token(configuration.token, os.urandom)
        with (
            identity_lock(configuration.store, configuration.token.pin_file),
            open_token(configuration, time.monotonic) as token,
        ):
            enrol(configuration, token)
        if configuration.wan.tls_key_file is not None:
            click.echo(f"NOT AS REQUIRED: {KEY_IN_MEMORY}", err=True)
        click.echo(f"requests are in {configuration.trust.certificates}")


@main.command()
@_configuration
@click.option("--verbose", is_flag=True, help="Developer logging down to debug.")
def run(config: Path, *, verbose: bool) -> None:
    """Run the gateway until SIGTERM or SIGINT; exit code 75 asks to be started again."""
    protect_process()
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.DEBUG if verbose else logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    restarting = threading.Event()

    def restart() -> None:
        restarting.set()
        stopping.set()

    environment = Environment(
        clock=lambda: datetime.now(UTC),
        monotonic=time.monotonic,
        random=os.urandom,
        jitter=random.SystemRandom().random,
        restart=restart,
        parent=os.getppid(),
    )
    with _refusals():
        configuration = Configuration.load(config)
        with (
            identity_lock(configuration.store, configuration.token.pin_file),
            compose(configuration, environment) as composed,
        ):
            _run(composed, stopping)
    if restarting.is_set():
        sys.exit(Exit.RESTART)


def _run(composed: Composed, stopping: threading.Event) -> None:
    """Start every thread, wait, end them in the reverse order: lines first, so that nothing new comes in."""
    configuration, clock = composed.configuration, composed.environment.clock
    with ExitStack() as running:
        server = StatusServer(configuration.store, composed.status)
        running.callback(server.close)
        running.enter_context(composed.running())
        profiles = composed.gateway.profiles
        _note(composed, Event.GATEWAY_STARTED)
        _logger.info(
            "%s runs: %d meters, %d parties", configuration.gateway, len(profiles.meters), len(profiles.communications)
        )
        timekeeping, monotonic = composed.timekeeping, composed.environment.monotonic
        timekeeping.look()
        watch = ClockWatch(timekeeping.system, monotonic)
        checks = composed.self_test.run(clock())
        if composed.firmware is not None:
            composed.firmware.trial.settle(checks, clock())
        while not stopping.wait(LOOK_SECONDS):
            composed.self_test.step(clock(), monotonic())
            if (jump := watch.jump()) is not None:
                _logger.warning("the clock jumped by %s", jump)
                _note(composed, Event.CLOCK_JUMPED, Outcome.FAILURE, **describe(jump))
                timekeeping.compare_soon()
            timekeeping.look()
            composed.log_watch.look(clock(), monotonic())
            composed.report.retention.look(clock().replace(microsecond=0), monotonic(), stopping.wait)
        _logger.info("%s stops", configuration.gateway)
    _note(composed, Event.GATEWAY_STOPPED)  # nothing runs any more that could have something to say after it
    composed.log_watch.seal(clock())


def _note(composed: Composed, event: Event, outcome: Outcome = Outcome.SUCCESS, **parameters: str | int) -> None:
    at = composed.environment.clock()
    try:
        composed.log.record(event, composed.configuration.gateway.text, outcome, at=at, times=1, **parameters)
    except StoreError as error:
        _logger.warning("system log: %s", error)


@main.command()
@_configuration
@click.option("--json", "as_json", is_flag=True, help="The whole status as one JSON object.")
def status(config: Path, *, as_json: bool) -> None:
    """Ask the running gateway how it is."""
    with _refusals():
        told = read_status(Configuration.load(config).store)
        if as_json:
            click.echo(json.dumps(told, sort_keys=True))
            return
        click.echo(f"{told['gateway']} since {told['started_at']}")
        click.echo(f"program {told['version']} {told['program_sha256']}")
        for sentence in describe_slots(told["firmware"]):
            click.echo(sentence)
        for sentence in told["deviations"]:
            click.echo(f"NOT AS REQUIRED: {sentence}")
        click.echo(describe_clock(told["clock"]))
        for sentence in describe_states(told["secure_states"]):
            click.echo(sentence)
        for sentence in describe_firewall(told["firewall"]):
            click.echo(sentence)
        for sentence in describe_page(told["han"]):
            click.echo(sentence)
        click.echo(describe_retention(told["retention"]))
        for name, state in told["lines"].items():
            click.echo(f"line {name}: {state}")
        for name, meter in told["meters"].items():
            click.echo(
                f"meter {name}: {meter['stored']} stored, last {meter['last_reading_at']}, refused {meter['refused']}"
            )
        for name, profile in told["profiles"].items():
            counts = ", ".join(f"{profile[key]} {key}" for key in ("owed", "open", "acknowledged", "set_aside"))
            click.echo(f"profile {name} for {profile['party']}: {counts} {profile['last_error']}".rstrip())
        for party, reasons in told["refusals"].items():
            click.echo(f"refused to {party}: {reasons}")


class _Refusing(click.Group):
    """A group whose commands are told why they are refused."""

    def invoke(self, ctx: click.Context) -> None:
        """As every group does."""
        with _refusals():
            super().invoke(ctx)


@main.group(cls=_Refusing)
@click.pass_context
def logs(context: click.Context) -> None:
    """The system, calibration and consumer logs: show, export, verify."""
    context.obj = Clocks(lambda: datetime.now(UTC), time.monotonic)


for one in (show, export_command, verify):
    logs.add_command(one)


@main.command()
@_configuration
@click.option("--after", default=0, help="Only entries with a higher record number.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.pass_context
def log(context: click.Context, *, config: Path, after: int, as_json: bool) -> None:
    """Print the system log, oldest entry first: short for ``logs show``."""
    context.obj = Clocks(lambda: datetime.now(UTC), time.monotonic)
    with _refusals():
        context.invoke(show, config=config, after=after, as_json=as_json)


@main.group(epilog="Example: smgw firewall show gateway.toml | nft --check -f -")
def firewall() -> None:
    """The rules between WAN, HAN and LMN, as the stored profiles have them; a running gateway applies them itself."""


@firewall.command("show")
@_configuration
def show_firewall(config: Path) -> None:
    """Print the rule set, for nft."""
    protect_process()
    with _refusals():
        click.echo(_rules(config), nl=False)


@firewall.command("apply")
@_configuration
def apply_firewall(config: Path) -> None:
    """Hand the rule set to the kernel."""
    protect_process()
    with _refusals():
        kernel = PacketFilter()
        kernel.require_no_router()
        kernel.apply(_rules(config))


def _rules(config: Path) -> str:
    configuration = Configuration.load(config)
    with open_store(configuration, time.monotonic) as (_, database):
        clock = GatewayClock(lambda: datetime.now(UTC), ClockRecords(database).load())
        return rules_of(configuration, ProfileStore(database).load(), clock.administration())


@main.command()
@_configuration
@click.argument("line")
@click.option("--address", "addresses", multiple=True, help="Ask this address too; without any, whoever is there.")
def scan(config: Path, line: str, addresses: tuple[str, ...]) -> None:
    """Ask who is on LINE, while no gateway runs; each answer is an address, a speed and an identification."""
    with _refusals():
        settings = next((one for one in Configuration.load(config).lines if one.name == line), None)
        if settings is None:
            raise ConfigurationError(f"{config} has no line {line!r}")
        port = Port(settings.port, speed=settings.speed, framing=settings.framing)
        try:
            for found in scan_line(port, addresses or ("",), echo=settings.echo):
                who = found.identification
                click.echo(f"address {found.address!r} at {found.speed} baud: {who.manufacturer} {who.text}")
        finally:
            port.close()


main.add_command(tariff)

if __name__ == "__main__":
    main()
