"""``smgw-admin serve``: wait for gateways, for management and for service."""

import logging
import signal
import sys
import threading

import click

from admin.relay import Forwarder
from admin.serve import Server
from admin.session import Session, administers


@click.command(epilog="Example: smgw-admin serve --config admin.toml")
@click.option("--verbose", is_flag=True, help="Developer logging down to debug.")
@administers
def serve(session: Session, *, verbose: bool) -> None:
    """Serve the tunnels that gateways open, until SIGTERM or SIGINT.

    Orders that other commands queue are carried out while the tunnel of their gateway is open, within a second.
    """
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.DEBUG if verbose else logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    with session.office() as office:
        office.require_good(session.now)
        clock, monotonic = session.environment.clock, session.environment.monotonic
        relay = Forwarder(office, clock=clock, monotonic=monotonic)
        Server(office, clock=clock, monotonic=monotonic, relay=relay).run(stopping)
