"""Where the console script ``smgw`` begins: which half of the program a command needs.

Decides that ``smgw tariff`` and ``smgw logs verify --export`` are answered without loading anything of a gateway:
whoever only checks a bill or an exported log needs no security module and no database, and does not wait for them. All
other commands are in ``__main__``.
"""

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    if given[:1] == ["tariff"]:
        from smgw.recalculation.command import tariff  # noqa: PLC0415 -- loading only what is needed is what this file is for

        tariff(given[1:], prog_name="smgw tariff")
    elif given[:2] == ["logs", "verify"] and any(one.partition("=")[0] == "--export" for one in given):
        from smgw.logs.exported import verify_alone  # noqa: PLC0415 -- as above

        verify_alone(given[2:], prog_name="smgw logs verify")
    else:
        from smgw.__main__ import main as whole  # noqa: PLC0415 -- as above

        whole(given, prog_name="smgw")
