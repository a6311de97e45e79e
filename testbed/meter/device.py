"""What a simulated MT83x knows and answers, without any framing: read-outs, registers by address, profile windows.

Decides which requests it refuses and with which error code. Codes are those of the public MT83x communication
specification; it has no public read-out to compare with.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from testbed.faults import Fault, Faults
from testbed.meter.load import FLAT, H25, Load
from testbed.meter.memory import Event, Memory, parse_stamp
from testbed.meter.registers import Condition, data_sets
from testbed.meter.settings import LoadKind, MeterSettings
from wire.meter.iec62056 import Command

_REQUEST = re.compile(r"([^()]{1,16})\(([^()]{0,64})\)", re.ASCII)
_CLOCK_JUMP = timedelta(days=1)
_READ_COMMANDS = {"R1", "R2", "R5", "R6"}
_OTHER_COMMANDS = {"R3", "R4", "W1", "W2", "W3", "W4", "W5", "W6", "E2"}
"""In the standard or in German practice, but not for reading."""


class ErrorCode(StrEnum):
    """Error answers of an MT83x."""

    NOT_FOUND = "ER01"
    NOT_IMPLEMENTED = "ER02"
    PARAMETER = "ER03"
    INDEX = "ER04"
    VALUE = "ER05"
    COMMAND = "ER06"
    NOT_AUTHORISED = "ER07"
    NO_DATA = "ER08"
    NO_RESOURCE = "ER09"
    DEVICE = "ER10"
    ADDRESS = "ER11"
    UNKNOWN = "ER12"


class RefusedError(Exception):
    """The meter answers with ``code``."""

    def __init__(self, code: ErrorCode) -> None:
        """One of the documented codes."""
        super().__init__(code.value)
        self.code = code


@dataclass(slots=True)
class Device:
    """One meter's contents; ``clock`` is its simulated time, ``faults`` what goes wrong next."""

    settings: MeterSettings
    clock: Callable[[], datetime]
    faults: Faults = field(default_factory=Faults)
    events: list[Event] = field(default_factory=list)
    foreign: bool = False
    """For this conversation it is another meter."""
    load: Load = field(init=False)

    def __post_init__(self) -> None:
        """Build the household."""
        profile = H25 if self.settings.load is LoadKind.H25 else FLAT
        self.load = Load(self.settings.annual_watt_hours, self.settings.seed, profile)

    def shown(self) -> dict[str, str]:
        """Address -> text in parentheses now, with the faults whose turn it is."""
        condition = Condition(
            wrong_identity=self.foreign,
            runs_backwards=self.faults.take(Fault.RUNS_BACKWARDS),
            fatal_error=self.faults.take(Fault.ERROR_STATUS),
        )
        now = self.clock() + (_CLOCK_JUMP if self.faults.take(Fault.CLOCK_JUMP) else timedelta())
        return data_sets(self.settings, self.load, now, condition)

    def read_out(self) -> bytes:
        """The body of the read-out with its end mark."""
        lines = [f"{address}({text})" for address, text in self.shown().items()]
        return "\r\n".join([*lines, "!", ""]).encode("ascii")

    def answer(self, command: Command) -> Sequence[bytes]:
        """The blocks of an answer; R6 cuts after ``rows_per_block`` lines, an error code is a block of its own."""
        try:
            lines = self._read(command.name, (command.data or b"").decode("latin-1"))
        except RefusedError as refused:
            return [f"({refused.code})".encode("ascii")]
        count = self.settings.rows_per_block if command.name == "R6" else len(lines)
        blocks = ["\r\n".join(lines[begin : begin + count]) for begin in range(0, len(lines), count)]
        return [block.encode("ascii") + b"\r\n" * (len(lines) > 1) for block in blocks]

    def _read(self, command: str, request: str) -> Sequence[str]:
        """Lines that answer ``address(parameter)``: R1 without the address, as an ME162 does, the others with it."""
        if command not in _READ_COMMANDS:
            raise RefusedError(ErrorCode.NOT_IMPLEMENTED if command in _OTHER_COMMANDS else ErrorCode.COMMAND)
        match = _REQUEST.fullmatch(request)
        if match is None:
            raise RefusedError(ErrorCode.PARAMETER)
        address, parameter = match.groups()
        if address in ("P.01", "P.98"):
            return self._window(address, parameter)
        shown = self.shown()
        if address not in shown:
            raise RefusedError(ErrorCode.NOT_FOUND)
        return [f"({shown[address]})" if command == "R1" else f"{address}({shown[address]})"]

    def _window(self, address: str, parameter: str) -> Sequence[str]:
        """``from;to``; either may be empty, and neither is the whole memory."""
        bounds = parameter.split(";") if ";" in parameter else [parameter, ""]
        try:
            begin, end = (parse_stamp(bound) if bound else None for bound in bounds)
        except ValueError as error:
            raise RefusedError(ErrorCode.PARAMETER) from error
        memory = Memory(self.load, self.settings.profile_days, self.events)
        lines = (memory.profile if address == "P.01" else memory.log_book)(begin, end, self.clock())
        if not lines:
            raise RefusedError(ErrorCode.NO_DATA)
        return lines
