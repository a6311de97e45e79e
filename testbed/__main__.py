"""``smgw-testbed``: simulators, decoders and the demonstration. Each command loads only what it needs."""

import importlib

import click

_COMMANDS = {
    "consumer-log": ("testbed.consumer_command", "consumer_log"),
    "decode": ("testbed.decode", "decode"),
    "firmware": ("testbed.manufacturer", "firmware"),
    "fleet": ("testbed.fleet.command", "fleet"),
    "meter": ("testbed.meter_command", "meter"),
    "up": ("testbed.up", "up"),
}
"""Command name -> module and attribute; imported when called, so that decoding a file needs no simulator."""


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 -- click's signature
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 -- click's
        if cmd_name not in _COMMANDS:
            return None
        module, attribute = _COMMANDS[cmd_name]
        try:
            command = getattr(importlib.import_module(module), attribute)
        except ModuleNotFoundError as error:
            raise click.ClickException(
                f"{error.name} is not installed; the testbed needs more than a gateway: "
                "pip install 'smart-meter-gateway[testbed]'"
            ) from error
        if not isinstance(command, click.Command):
            raise TypeError(f"{module}.{attribute} is not a command")
        return command


@click.command(cls=_Lazy, epilog="Example: smgw-testbed decode iec62056 capture.bin --json")
@click.version_option(package_name="smart-meter-gateway")
def main() -> None:
    """Meters, captures and a whole smart-metering system on one machine."""


if __name__ == "__main__":
    main()
