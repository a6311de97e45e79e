"""Which orders are carried out in which state of the gateway.

Decides nothing but how a duty is asked for at the desk; which states let it be done is decided in
``smgw/secure_states.py`` (PP-0073 FPT_FLS.1). An order that is refused for the state changes nothing, and may be given
again once the state is over.
"""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum

from smgw.administration.errors import C, CommandRefusedError, Done, Handler


class PermissionReason(StrEnum):
    """Why an order is not carried out, whatever it says."""

    SECURE_STATE = "secure-state"


def permitted(handler: Handler[C], may: Callable[[datetime], bool]) -> Handler[C]:
    """``handler``, where ``may`` allows it at that moment; it raises CommandRefusedError where not."""

    def handle(command: C, at: datetime) -> Done:
        if not may(at):
            sentence = "the gateway is in a secure state in which this is not done; its status tells which and why"
            raise CommandRefusedError(PermissionReason.SECURE_STATE, sentence)
        return handler(command, at)

    return handle
