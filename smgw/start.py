"""Where the console script ``smgw`` begins: which half of the program a command needs.

Decides that ``smgw tariff`` is answered without loading anything of a gateway: whoever only checks a bill needs no
security module and no database, and does not wait for them. All other commands are in ``__main__``.
"""

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    if given[:1] == ["tariff"]:
        from smgw.recalculation.command import tariff  # noqa: PLC0415 -- loading only what is needed is what this file is for

        tariff(given[1:], prog_name="smgw tariff")
    else:
        from smgw.__main__ import main as whole  # noqa: PLC0415 -- as above

        whole(given, prog_name="smgw")
