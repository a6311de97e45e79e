"""The commands of programming mode that read: a register, or a window of a load profile.

Decides how they are spelled. R5 and R6 are German practice (VDEW), R1 is the standard's; some meters know only one.
"""

from wire.meter.iec62056.messages import Command


def profile_command(obis: str, begin: str = "", end: str = "", *, partial_blocks: bool = False) -> Command:
    """``R5 P.01(begin;end)``, or R6 for an answer in partial blocks; either stamp may be empty."""
    return Command("R6" if partial_blocks else "R5", f"{obis}({begin};{end})".encode("ascii", "replace"))


def register_command(address: str, *, name: str = "R5") -> Command:
    """``R5 address()``; R1 for meters that read by address."""
    return Command(name, f"{address}()".encode("ascii", "replace"))
