"""How firmware is put together with the rest of the gateway: the slots, the orders about them, and the trial.

Decides nothing but that. A gateway without ``[firmware]`` in its configuration takes no package and has no slots.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import smgw
from pki.certificates import TrustStore
from smgw.administration.errors import Handler
from smgw.config import Configuration
from smgw.firmware.errors import FirmwareRefusedError
from smgw.firmware.folder import SlotFolder
from smgw.firmware.orders import FirmwareOrders, FirmwarePorts
from smgw.firmware.slots import Phase
from smgw.firmware.trial import Trial
from smgw.identity import Identity
from smgw.store.calibration_log import CalibrationLog
from smgw.store.database import Database
from smgw.store.logs import SystemLog
from wire.canonical_json import JsonObject
from wire.orders import ActivateFirmware, StoreFirmware

PROGRAM = Path(smgw.__file__).parents[1]
"""Where the packages of the program that runs lie."""


@dataclass(frozen=True, slots=True)
class FirmwareBase:
    """What firmware rests on. ``version`` is that of the program that runs, ``program`` where its packages lie."""

    configuration: Configuration
    database: Database
    log: SystemLog
    trust: Callable[[], TrustStore]
    identity: Callable[[], Identity]
    version: str
    program: Path = PROGRAM


@dataclass(frozen=True, slots=True)
class Firmware:
    """The firmware of one gateway."""

    handlers: Mapping[type[Any], Handler[Any]]
    stage: Handler[bytes]
    trial: Trial
    report: Callable[[], JsonObject]
    installed: Callable[[], str] | None
    """What the hash of the program was when it came into the slot that runs; None where no slot runs."""
    defective: Callable[[], str]
    """Which slot holds a program that was tried in vain, in a sentence; empty where none does."""


def compose_firmware(base: FirmwareBase, *, parent: int) -> Firmware | None:
    """The parts, or None where the configuration names no slots; ``parent`` is the process that started this one."""
    chosen = base.configuration.firmware
    if chosen is None:
        return None
    slots = SlotFolder(chosen.folder)
    orders = FirmwareOrders(
        FirmwarePorts(
            slots=slots,
            certificate=chosen.manufacturer,
            trust=base.trust,
            system_log=base.log,
            calibration_log=CalibrationLog(base.database),
            running=base.version,
            launched=lambda: slots.launched_by(parent),
        )
    )
    running = slots.running(base.program)

    def installed() -> str:
        try:
            return "" if running is None else slots.read().slots[running].content.program
        except FirmwareRefusedError:
            return ""

    def defective() -> str:
        try:
            record = slots.read()
        except FirmwareRefusedError as error:
            return error.sentence
        slot = record.find(Phase.FAILED)
        return "" if slot is None else f"slot {slot.value} holds {record.slots[slot].content.version}, tried in vain"

    return Firmware(
        handlers={StoreFirmware: orders.store, ActivateFirmware: orders.activate},
        stage=orders.stage,
        trial=Trial(slots, orders, running),
        report=lambda: {**orders.report(), "running": "installed" if running is None else running.value},
        installed=None if running is None else installed,
        defective=defective,
    )
