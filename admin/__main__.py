"""``smgw-admin``: the administrator's command line, and the only place that owns a clock and randomness."""

import os
import time
from datetime import UTC, datetime

import click

from admin.commands.accounts import accounts
from admin.commands.audit import audit
from admin.commands.enrol import enrol
from admin.commands.firmware import firmware
from admin.commands.fleet import fleet
from admin.commands.gateways import gateways
from admin.commands.init import init
from admin.commands.introduction import introduction
from admin.commands.maintenance import clock, crl, event, request, restart, retention, self_test
from admin.commands.orders import orders
from admin.commands.profiles import profiles
from admin.commands.renew import renew
from admin.commands.reports import logs, notifications, status
from admin.commands.serve import serve
from admin.commands.users import users
from admin.commands.wake import break_up, wake
from admin.commands.web import web
from admin.session import Environment


@click.group(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: smgw-admin init; smgw-admin gateways add EABC0012345678 --host 192.0.2.7; "
    "smgw-admin wake EABC0012345678",
)
@click.version_option(package_name="smart-meter-gateway")
@click.pass_context
def main(context: click.Context) -> None:
    """The gateway administrator: inventory, profiles, orders, wake-ups, logs, certificates, firmware.

    Every command takes --config, --as and --json. Exit codes: 0 done, 2 wrong command line or configuration, 3 security
    module, 4 trust, 5 database, 6 refused here, 7 the gateway did not come, 8 the gateway refused, 9 it did not answer
    in time, 10 the audit log is not whole.
    """
    if context.obj is None:
        context.obj = Environment(
            clock=lambda: datetime.now(UTC), monotonic=time.monotonic, sleep=time.sleep, random=os.urandom
        )


for _command in (
    accounts,
    audit,
    break_up,
    clock,
    crl,
    enrol,
    event,
    firmware,
    fleet,
    gateways,
    init,
    introduction,
    logs,
    notifications,
    orders,
    profiles,
    renew,
    request,
    restart,
    retention,
    self_test,
    serve,
    status,
    users,
    wake,
    web,
):
    main.add_command(_command)


if __name__ == "__main__":
    main()
