"""``smgw-admin``: the administrator's command line, and the only place that owns a clock and randomness."""

import importlib
import os
import time
from datetime import UTC, datetime
from typing import Final

import click

from admin.session import Environment

_COMMANDS: Final = {
    "accounts": "accounts",
    "audit": "audit",
    "break-up": "wake",
    "clock": "maintenance",
    "crl": "maintenance",
    "enrol": "enrol",
    "event": "maintenance",
    "firmware": "firmware",
    "fleet": "fleet",
    "gateways": "gateways",
    "init": "init",
    "introduction": "introduction",
    "logs": "reports",
    "notifications": "reports",
    "orders": "orders",
    "profiles": "profiles",
    "renew": "renew",
    "request": "maintenance",
    "restart": "maintenance",
    "retention": "maintenance",
    "self-test": "maintenance",
    "serve": "serve",
    "status": "reports",
    "users": "users",
    "wake": "wake",
    "web": "web",
}
"""Command -> module of ``admin.commands`` that has it under its name: one that is typed loads no other."""


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"admin.commands.{_COMMANDS[cmd_name]}")
        command = getattr(module, cmd_name.replace("-", "_"))
        if not isinstance(command, click.Command):
            raise TypeError(f"{module.__name__}.{cmd_name} is not a command")
        return command


@click.group(
    cls=_Lazy,
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


if __name__ == "__main__":
    main()
