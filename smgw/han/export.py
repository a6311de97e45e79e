"""Her data as a file: table, JSON, the forms of the display software, or a proof (TR-03109-1, consumer; HAF1).

Decides what may be asked for: what is hers, of one period, of one contract where the form wants one. What is not hers
is refused in the words for what there is not (PP-0073 FDP_ACF.1). A file is made in memory, so how much it may hold is
bounded (``export_lists.py``); nobody can make the gateway busy with it for longer than a year of readings takes, nor
with several at once. That somebody else has one made is no reason to wait: it would tell that there is somebody else.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

from proof.checkpoint import Checkpoint
from smgw.han.consumer_log import ConsumerLogs
from smgw.han.export_ar2418 import gateway_file, tariff_of
from smgw.han.export_lists import MAXIMUM_READINGS, lists
from smgw.han.export_proof import proof
from smgw.han.export_source import Source, StoredSource
from smgw.han.export_tables import document, table
from smgw.han.port import Exported, ExportForm, HanError, HanReason, Visitor
from smgw.han.status import Facts
from smgw.logs.sealing import Sealer
from smgw.logs.stored import last_states
from smgw.metering.tariffs.calendar import day_of
from smgw.store import log_checkpoints
from smgw.store.database import Database
from smgw.store.events import Log
from smgw.store.rows import to_seconds
from wire.profiles import EvaluationProfile

SEALED_AGAIN: Final = timedelta(hours=1)
"""A proof makes a checkpoint of the logs where none is as young as this. Some hundred are kept, and whoever asks for
proof upon proof must not push out those that tell what stood in the logs months ago."""
_XML: Final = "application/xml"
_JSON: Final = "application/json"
_NO_CONTRACT: Final = "this form holds one contract a file: choose one"
_ANOTHER: Final = "another file is being made for you: ask again when it is there"


def export_for(  # noqa: PLR0917 - as ``ConsumerView.export`` has them
    source: Source, form: ExportForm, at: datetime, begin: datetime, end: datetime, contract: str | None = None
) -> Exported:
    """What is hers from ``begin`` to ``end``, both included, as a file of ``form``; ``at`` is now.

    ``contract`` is the id of an evaluation profile: the forms of the display software need one, the others hold then
    its meters and registers only.

    Raises:
        HanError: BAD_QUESTION, NOT_FOUND, TOO_MUCH; NOT_NOW where a proof is wanted and the log cannot be sealed.
        StoreError: where the store fails.
    """
    # 1. The contract is hers.
    hers = None if contract is None else source.contract(contract)
    chosen = None if hers is None else hers.profile
    if form in {ExportForm.XML, ExportForm.TARIFF} and chosen is None:
        raise HanError(HanReason.BAD_QUESTION, _NO_CONTRACT)
    if chosen is not None and chosen.unstored:
        raise HanError(HanReason.NOT_FOUND, "of this contract the gateway stores nothing: choose another one")
    first, last = to_seconds(begin), to_seconds(end)
    if form is ExportForm.TARIFF and chosen is not None:
        name = f"{_name(source, chosen, first, last)}-tariff.xml"
        return Exported(name, _XML, tariff_of(source, chosen, first, last))
    # 2. The period, within that in which the contract was about her.
    if hers is not None and first <= last:
        first, last = max(first, hers.since), min(last, hers.until)
        if first > last:
            raise HanError(HanReason.NOT_FOUND, "this contract did not hold in this time: ask for another one")
    # 3. The readings.
    found = lists(source, first, last, chosen)
    name = _name(source, chosen, first, last)
    if form is ExportForm.XML and chosen is not None:
        return Exported(f"{name}.xml", _XML, gateway_file(source, found, chosen, at, (first, last)))
    if form is ExportForm.PROOF:
        derived = source.delivered(first, last, limit=MAXIMUM_READINGS)
        of_contract = [one for one in derived if contract in {None, one.contract}]
        return Exported(f"{name}-proof.json", _JSON, proof(source, found, of_contract, at, (first, last)))
    if form is ExportForm.JSON:
        return Exported(f"{name}.json", _JSON, document(source, found, at, first, last))
    return Exported(f"{name}.csv", "text/csv; charset=utf-8", table(found))


def _name(source: Source, contract: EvaluationProfile | None, first: int, last: int) -> str:
    """A file name of letters, digits and ``._-``, as all identifiers are."""
    whose = source.consumer if contract is None else f"{source.consumer}-{contract.id}"
    return f"{whose}-{day_of(first)}-{day_of(last)}"


@dataclass(frozen=True, slots=True)
class Exports:
    """Makes the files of one gateway, each for the visitor who asks."""

    database: Database
    logs: ConsumerLogs
    facts: Facts
    making: dict[str, Lock] = field(default_factory=dict)
    """For each consumer who ever had a file made; held while one is."""

    def __call__(  # noqa: PLR0917 - as ``ConsumerView.export`` has them
        self, visitor: Visitor, form: ExportForm, at: datetime, begin: datetime, end: datetime, contract: str | None
    ) -> Exported:
        """The file. Raises HanError, TOO_SOON where another of hers is being made; StoreError."""
        making = self.making.setdefault(visitor.reader.identity, Lock())
        if not making.acquire(blocking=False):
            raise HanError(HanReason.TOO_SOON, _ANOTHER)
        try:
            source = StoredSource(visitor.reader, self.database, self.logs, self.facts, self._seal_for(visitor))
            return export_for(source, form, at, begin, end, contract)
        finally:
            making.release()

    def _seal_for(self, visitor: Visitor) -> Callable[[datetime], None]:
        """What makes a checkpoint, if there is none of the last hour that speaks of her log.

        One that is older than a revocation list is none either: by that list nobody could believe its signer then.
        """

        def seal(at: datetime) -> None:
            with self.database.read() as connection:
                newest = log_checkpoints.newest(connection)
            if newest is not None and (Log.CONSUMER, visitor.reader.identity) in last_states(newest):
                made_at = Checkpoint.from_bytes(newest.content).at
                listed = any(made_at < one.last_update_utc for one in self.facts.trust().crls)
                if timedelta() <= at - made_at < SEALED_AGAIN and not listed:
                    return
            # It makes no old entry go: that is the business of a clock that is right.
            Sealer(self.database, self.facts.identity).seal(at, time_valid=False)

        return seal
