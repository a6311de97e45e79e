"""``smgw-admin``: the administrator's command line; it alone reads the configuration and the clock."""

import click


@click.group()
@click.version_option(package_name="smart-meter-gateway")
def main() -> None:
    """Administrate gateways: inventory, profiles, orders, wake-ups, logs."""


if __name__ == "__main__":
    main()
