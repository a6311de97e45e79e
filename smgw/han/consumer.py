"""All that one consumer may see, and the one way to it (TR-03109-1, consumer; PP-0073 FDP_ACC.2, FDP_ACF.1).

Decides what comes before every answer: that the gateway's state lets it serve consumers at all, and that the question
is about her. Whatever it names, it is answered out of her own time with her own devices (``hers.py``); what is not hers
is answered exactly as what does not exist. What an answer says is decided in the modules that make it.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

import sqlalchemy as sa

from smgw.administration.errors import CommandRefusedError
from smgw.gateway import Gateway
from smgw.han import prices as price_list
from smgw.han.billing import billed
from smgw.han.consumer_log import ConsumerLogs, ShownEntry
from smgw.han.contracts import shown_contract
from smgw.han.hers import Hers, not_found, register_of
from smgw.han.history import advances
from smgw.han.meters import shown_meters
from smgw.han.now import Moment
from smgw.han.parts import bounds_of
from smgw.han.port import ConsumerView, Exported, ExportForm, HanError, HanReason, Visitor
from smgw.han.readings import newest, shown
from smgw.han.shown import (
    Billed,
    Contract,
    GatewayStatus,
    Now,
    Prices,
    Resolution,
    Series,
    ShownMeter,
    ShownReading,
    TestResult,
    Transmission,
)
from smgw.han.signers import Signers
from smgw.han.status import Facts
from smgw.han.transmissions import transmissions
from smgw.logs.readers import Role
from smgw.logs.signer import certified_signer
from smgw.logs.texts import Language
from smgw.secure_states import Duty
from smgw.self_test import SelfTest
from smgw.store.consumer_log import PAGE
from smgw.store.database import Database
from smgw.store.events import Log
from smgw.store.log_chain import head
from smgw.store.rows import to_seconds
from wire.profiles.tariff import is_meter_reading

_FOR_CONSUMERS: Final = "this is for consumers"
_NOT_NOW: Final = "the gateway serves no consumer at the moment; its state says why"
_NO_HISTORY: Final = "this register does not count up: there is no energy to be told"

PasswordChange = Callable[[Visitor, str, str, datetime], None]
"""The door's: (visitor, old, new, at)."""


class Exporter(Protocol):
    """What makes files of her data (``smgw/han/export.py``)."""

    def __call__(  # noqa: PLR0917 - as ConsumerView.export has them
        self, visitor: Visitor, form: ExportForm, at: datetime, begin: datetime, end: datetime, contract: str | None
    ) -> Exported:
        """The file. Raises HanError."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What every view is made of."""

    clock: Callable[[], datetime]
    database: Database
    gateway: Gateway
    logs: ConsumerLogs
    self_test: SelfTest
    facts: Facts
    change_password: PasswordChange
    export: Exporter


@dataclass(frozen=True, slots=True)
class ConsumerPage(ConsumerView):
    """The view of one consumer (Anzeige für den Letztverbraucher)."""

    parts: Parts
    visitor: Visitor

    def __post_init__(self) -> None:
        """Raises HanError NOT_ALLOWED for anybody else."""
        if self.visitor.reader.role is not Role.CONSUMER or not self.visitor.reader.identity:
            raise HanError(HanReason.NOT_ALLOWED, _FOR_CONSUMERS)

    @property
    def consumer(self) -> str:
        """Her identifier."""
        return self.visitor.reader.identity

    def meters(self, at: datetime) -> Sequence[ShownMeter]:
        """Her meters, those of former contracts included while their data are kept."""
        counted = self.parts.gateway.counters.snapshot()["meters"]
        started_at = to_seconds(self.parts.facts.started_at)
        with self._asked(at) as (connection, hers):
            return shown_meters(connection, hers.meters, counted, started_at, to_seconds(at))

    def now(self, at: datetime) -> Now:
        """Power, and today, this month, this year against the same time before."""
        with self._asked(at) as (connection, hers):
            moment = Moment(connection, self.parts.gateway.heard, hers.meters, to_seconds(at))
            return Now(moment.at, moment.powers(), moment.drawn(), moment.fed_in())

    def series(self, meter: str, register: str, resolution: Resolution, begin: datetime, end: datetime) -> Series:
        """The history of ``begin`` .. ``end``; ``meter`` may be empty: the sum of all."""
        code = register_of(register)
        with self._asked() as (connection, hers):
            meters = hers.named(meter, code)
            if not is_meter_reading(code):
                raise HanError(HanReason.BAD_QUESTION, _NO_HISTORY)
            bounds = bounds_of(resolution, to_seconds(begin), to_seconds(end))
            told = advances(connection, meters, code, bounds)
        return Series(
            meter=meter,
            register=str(code),
            resolution=resolution,
            unit=told.unit,
            scaler=told.scaler,
            bounds=bounds,
            energies=told.energies,
            doubtful=told.doubtful,
            partial=told.partial,
        )

    def readings(
        self, meter: str, register: str, begin: datetime, end: datetime, *, limit: int
    ) -> Sequence[ShownReading]:
        """Original readings, newest first, with their signatures checked (PTB-A 50.8, display)."""
        code = register_of(register)
        with self._asked() as (connection, hers):
            if not meter:
                raise not_found()
            found = newest(connection, hers.named(meter, code), code, (to_seconds(begin), to_seconds(end)), limit)
        held = Signers(self.parts.facts).held(self.parts.clock())
        return [shown(one, held) for one in found]

    def contracts(self, at: datetime) -> Sequence[Contract]:
        """Every evaluation profile that concerns her."""
        with self._asked(at) as (connection, hers):
            return [shown_contract(one, self.parts.gateway.profiles) for one in hers.contracts(connection)]

    def billed(self, contract: str, at: datetime, *, limit: int) -> Sequence[Billed]:
        """The running billing period and those before, newest first."""
        with self._asked(at) as (connection, hers):
            named = hers.contract(connection, contract)
            own = price_list.every(connection, self.consumer)
            return billed(connection, named, own, to_seconds(at), limit)

    def prices(self) -> Sequence[Prices]:
        """What she entered."""
        with self._asked() as (connection, _):
            return price_list.every(connection, self.consumer)

    def set_prices(self, prices: Prices) -> None:
        """Enter prices, or replace those of the same contract and begin."""
        with self._asked() as (connection, hers):
            contract = hers.contract(connection, prices.contract)
        with self.parts.database.write() as connection:
            price_list.put(connection, self.consumer, contract, prices)

    def remove_prices(self, contract: str, since: int) -> None:
        """Take prices back."""
        self._require_serving(self.parts.clock())
        with self.parts.database.write() as connection:
            price_list.remove(connection, self.consumer, contract, since)

    def transmissions(self, *, before: tuple[int, str, int] | None, limit: int) -> Sequence[Transmission]:
        """Deliveries that concern her, newest first."""
        with self._asked() as (connection, hers):
            contracts = hers.contracts(connection)
            return transmissions(connection, contracts, self.parts.gateway.profiles, before, limit)

    def log(self, language: Language, at: datetime, *, after: int, limit: int) -> Sequence[ShownEntry]:
        """Her log, oldest first (FAU_SAR.1/CON); reading it is an entry itself."""
        self._require_serving(at)
        limit = max(0, min(limit, PAGE))
        return self.parts.logs.page(self.visitor.reader, self.consumer, language, at, after=after, limit=limit)

    def last_record(self) -> int:
        """The number of the newest entry of her log, 0 where it has none."""
        with self._asked() as (connection, _):
            return head(connection, (Log.CONSUMER, self.consumer))[0]

    def log_is_whole(self, at: datetime) -> str:
        """What is wrong with the chain of her log, in a sentence; nothing where it is whole (FAU_STG.2)."""
        facts = self.parts.facts
        with self._asked(at) as (connection, _):
            judge = certified_signer(facts.gateway, facts.trust())
            return self.parts.logs.wrong(connection, self.consumer, judge, at)

    def status(self, at: datetime) -> GatewayStatus:
        """How the gateway is."""
        self._require_serving(at)
        return self.parts.facts.status(at)

    def self_test(self, at: datetime) -> Sequence[TestResult]:
        """Have the gateway test itself now (FPT_TST.1)."""
        self._require_serving(at)
        until = self.parts.self_test.locked_until(self.consumer, at)
        try:
            checks = self.parts.self_test.for_consumer(self.consumer, at)
        except CommandRefusedError as error:
            raise HanError(HanReason.TOO_SOON, str(error), until) from error
        return [TestResult(one.name.value, one.passed) for one in checks]

    def export(
        self, form: ExportForm, at: datetime, begin: datetime, end: datetime, contract: str | None = None
    ) -> Exported:
        """Her data of ``begin`` .. ``end`` as a file."""
        with self._asked(at) as (connection, hers):
            if contract is not None:
                hers.contract(connection, contract)
        return self.parts.export(self.visitor, form, at, begin, end, contract)

    def change_password(self, old: str, new: str, at: datetime) -> None:
        """Have another password from now on."""
        self._require_serving(at)
        self.parts.change_password(self.visitor, old, new, at)

    @contextmanager
    def _asked(self, at: datetime | None = None) -> Iterator[tuple[sa.Connection, Hers]]:
        """One consistent look into the store with what is hers there, if anybody may be served now."""
        self._require_serving(self.parts.clock() if at is None else at)
        with self.parts.database.read() as connection:
            yield connection, Hers.of(connection, self.consumer)

    def _require_serving(self, at: datetime) -> None:
        """FPT_FLS.1: in a state in which consumers are not served nothing is told."""
        if not self.parts.facts.states.works(Duty.SERVE_CONSUMER, at):
            raise HanError(HanReason.NOT_NOW, _NOT_NOW)
