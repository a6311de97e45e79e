"""What a program on trial must do before it is the one to run: start, test itself, and say so.

Decides which checks of the self-test at the start count: all but those that say nothing about a program. Started means
more than it seems: the security module has opened, keys and certificates fit, the store could be read, and every thread
runs (``smgw/composition.py``). What follows from a failure is the launcher's to decide (``smgw/boot.py``).
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from smgw.firmware.errors import FirmwareRefusedError
from smgw.firmware.folder import SlotFolder
from smgw.firmware.orders import FirmwareOrders
from smgw.firmware.slots import Phase, Slot
from smgw.self_test import Check, CheckName

_logger = logging.getLogger(__name__)

NOT_JUDGED: Final = frozenset({CheckName.CLOCK, CheckName.FIREWALL, CheckName.UPDATE})
"""The time comes over the tunnel after the start; no gateway starts without its firewall; and what failed before this
program says nothing of it."""


class TrialFailedError(Exception):
    """The program on trial failed its self-test, or could not say that it passed."""


@dataclass(frozen=True, slots=True)
class Trial:
    """The trial of this process, if it is one; ``slot`` is where its program lies, None for the installed one."""

    slots: SlotFolder
    orders: FirmwareOrders
    slot: Slot | None

    def settle(self, checks: Iterable[Check], at: datetime) -> None:
        """Confirm this program if it is on trial, then write down what happened to the slots until now.

        ``checks`` are those of the self-test at the start.

        1. A program that is not on trial has nothing to prove.
        2. Every check that counts is passed.
        3. The record says that this is the program to run.

        Raises TrialFailedError.
        """
        try:
            # 1
            if self.slot is not None and self.slots.read().slots[self.slot].phase is Phase.TRIAL:
                # 2
                failed = [one for one in checks if not one.passed and one.name not in NOT_JUDGED]
                if failed:
                    sentence = "; ".join(f"{one.name.value}: {one.detail}" for one in failed)
                    raise TrialFailedError(f"the self-test failed: {sentence}")
                # 3
                self.slots.confirm(self.slot, at)
                _logger.info("this program is the one to run from now on")
        except (FirmwareRefusedError, OSError) as error:
            raise TrialFailedError(f"the record of the slots: {error}") from error
        self.orders.tell()
