"""Two orders about tariffs: an event is raised or over, and values are given that are given on request only.

Decides what the administrator is told. It learns whether values are owed and how many, and none of them: they go to the
party of the profile, sealed for it (PP-0073 FDP_ACC.2; TR-03109-1, TAF 5, 6, 9 and 11).
"""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum

from smgw.access.grants import RefusalReason
from smgw.administration.errors import CommandRefusedError, Done
from smgw.gateway import Gateway
from smgw.store.daily_values import DailyValues
from smgw.store.database import Database
from smgw.store.profiles import ProfileSet
from smgw.store.tariff_events import TariffEvents
from wire.orders import RaiseEvent, RequestValues
from wire.profiles import ControlEvents, EventStages


class TariffReason(StrEnum):
    """Why such an order is refused."""

    OTHER_STATE = "other-state"
    """The event has another state in this very second."""
    NOT_AWAITED = "not-awaited"
    """No profile waits for an event of this name."""
    NOT_RELEASED = "not-released"
    """The profile releases nothing on request now."""


class TariffOrders:
    """The handlers of RaiseEvent and RequestValues."""

    def __init__(self, gateway: Gateway, database: Database, due: Callable[[], None]) -> None:
        """``due`` is called when something new is owed."""
        self._gateway = gateway
        self._events = TariffEvents(database)
        self._daily = DailyValues(database)
        self._due = due

    def raise_event(self, command: RaiseEvent, at: datetime) -> Done:
        """Keep what happened, where a profile waits for it.

        Raises CommandRefusedError NOT_AWAITED or OTHER_STATE, StoreError: nothing was changed.
        """
        if command.name not in _awaited(self._gateway.profiles):
            sentence = f"no evaluation profile waits for {command.name}: is the name right, is the profile installed?"
            raise CommandRefusedError(TariffReason.NOT_AWAITED, sentence)

        def note(moment: datetime) -> bool:
            return self._events.append(command.name, moment, active=command.active)

        if not self._gateway.happened(at, note):
            sentence = f"{command.name} has another state in this very second: order it again"
            raise CommandRefusedError(TariffReason.OTHER_STATE, sentence)
        return Done()

    def request_values(self, command: RequestValues, at: datetime) -> Done:
        """Let the party have what its profile releases. Raises CommandRefusedError NOT_RELEASED, StoreError."""
        owed = self._gateway.request(command.profile, at, self._daily)
        if isinstance(owed, RefusalReason):
            raise CommandRefusedError(TariffReason.NOT_RELEASED, f"{command.profile}: {owed.value}")
        self._due()
        return Done(result={"owed": owed})


def _awaited(profiles: ProfileSet) -> set[str]:
    """The names of all events that some profile's rule speaks of."""
    names: set[str] = set()
    for evaluation in profiles.evaluations.values():
        if isinstance(evaluation.rule, EventStages):
            names.update(name for name, _ in evaluation.rule.events)
        elif isinstance(evaluation.rule, ControlEvents):
            names.update(evaluation.rule.events)
    return names
