"""What every command does that has a gateway do something: wake, wait, show the reply, and end with the right code."""

from typing import Any

import click

from admin.config import LONGEST_TIMEOUT_SECONDS
from admin.execute import Ending, Execution, execute
from admin.exit import Exit, leave
from admin.office import Office
from admin.orders import OrderRecord
from admin.session import Session, clean, shown
from admin.wake import WakeOutcome, WakeResult
from wire.orders import Command
from wire.reading import DeviceId

timeout_option = click.option(
    "--timeout",
    type=click.IntRange(1, LONGEST_TIMEOUT_SECONDS),
    metavar="SECONDS",
    help="How long to wait (else as configured).",
)
no_wait_option = click.option("--no-wait", is_flag=True, help="Queue only; it is done at the next tunnel.")

_CODES = {
    Ending.DONE: Exit.DONE,
    Ending.REFUSED: Exit.GATEWAY_REFUSED,
    Ending.UNANSWERED: Exit.UNANSWERED,
    Ending.SILENCE: Exit.SILENCE,
}


def order(session: Session, gateway: DeviceId, command: Command, *, no_wait: bool, timeout: int | None) -> None:
    """Queue ``command`` for ``gateway`` and carry it out."""
    with session.office() as office:
        number = office.orders.queue(gateway, command, session.operator, session.now)
        carry_out(session, office, number, no_wait=no_wait, timeout=timeout)


def carry_out(session: Session, office: Office, number: int, *, no_wait: bool, timeout: int | None) -> None:
    """Wake the gateway of order ``number``, wait for its reply and show it; ends with another code than 0 without."""
    if no_wait:
        record = office.orders.get(number)
        session.one(
            order_row(record), f"order {number} is queued; carry it out with: smgw-admin orders run {record.gateway}"
        )
        return
    gateway = office.orders.get(number).gateway
    with session.progress(f"order {number}: waiting for {gateway}") as progress:
        execution = execute(office, number, session.timing(office, timeout), session.operator, progress)
    show_execution(session, execution)


def show_execution(session: Session, execution: Execution) -> None:
    """Show what became of an order; ends with its code where it was not done."""
    record = execution.order
    row = order_row(record) | {"ending": execution.ending.value, "wake": wake_row(execution.wake)}
    code = _CODES[execution.ending]
    match execution.ending:
        case Ending.DONE:
            result = record.reply.result if record.reply else {}
            told = f": {shown(result)}" if result else ""
            sentence = f"{record.gateway} did {record.kind} (order {record.number}){told}"
        case Ending.REFUSED:
            sentence = f"order {record.number} ({record.kind}) failed at {record.gateway}: {record.reason}"
        case Ending.UNANSWERED:
            sentence = (
                f"{record.gateway} has not answered order {record.number} yet; it stays {record.state}; "
                f"look with: smgw-admin orders show {record.number}"
            )
        case _:
            sentence = f"order {record.number} stays {record.state}; {silence(execution.wake)}"
    tell(session, row, sentence, code)


def tell(session: Session, row: dict[str, Any], sentence: str, code: Exit) -> None:
    """Show a result; what is not done goes to standard error and ends with its code."""
    if session.as_json or code is Exit.DONE:
        session.one(row, sentence)
    if code is not Exit.DONE:
        leave(code, "" if session.as_json else "\n".join(clean(line) for line in sentence.splitlines()))


def silence(wake: WakeResult) -> str:
    """What a gateway's silence may mean, line by line."""
    lines = [f"{wake.gateway} did not come within {wake.after.total_seconds():.0f} s ({wake.wake_ups} wake-ups sent):"]
    lines += [f"  - {likely.sentence}" for likely in wake.reasons]
    return "\n".join(lines)


def wake_row(wake: WakeResult) -> dict[str, Any]:
    """The result of a wake-up for programs."""
    return {
        "gateway": wake.gateway.text,
        "outcome": wake.outcome.value,
        "milliseconds": int(wake.after.total_seconds() * 1000),
        "wake_ups": wake.wake_ups,
        "tunnel": None if wake.tunnel is None else wake.tunnel.number,
        "reasons": [{"reason": likely.reason.value, "sentence": likely.sentence} for likely in wake.reasons],
    }


def order_row(record: OrderRecord) -> dict[str, Any]:
    """An order for programs and tables."""
    return {
        "order": record.number,
        "gateway": record.gateway.text,
        "kind": record.kind,
        "state": record.state.value,
        "by": record.by,
        "queued_at": record.queued_at,
        "finished_at": record.finished_at,
        "sequence": record.sequence,
        "reason": record.reason,
        "result": record.reply.result if record.reply else {},
    }


def came(wake: WakeResult) -> str:
    """A tunnel, in a sentence."""
    if wake.outcome is WakeOutcome.WAS_OPEN:
        return f"{wake.gateway} has a tunnel open already"
    times = "one wake-up" if wake.wake_ups == 1 else f"{wake.wake_ups} wake-ups"
    return f"{wake.gateway} came after {wake.after.total_seconds():.1f} s ({times})"
