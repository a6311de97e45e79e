"""The questions that clients of an EMH CASA gateway ask: ``/json/metering/origin/…``.

Decides the same of them: a list of meters, and of each meter its last readings. Only what a register said is there; a
register that was never read has no value, and what an average over readings would say is left out.
"""

from flask import Blueprint, Response

from han_web import auth
from han_web.api import problems
from han_web.api.admission import admit
from han_web.api.rendered import answer
from han_web.dialects.collected import last, registers_of
from han_web.dialects.names import hexadecimal, logical, status_text
from han_web.figures import local
from smgw.han.port import ConsumerView, HanError, HanReason
from smgw.han.shown import Power, ShownMeter, ShownReading
from smgw.logs.readers import Role

POWER_DRAWN, POWER_FED_IN = "0100010700ff", "0100020700ff"

routes = Blueprint("emh", __name__)
routes.register_error_handler(Exception, problems.refused)


@routes.get("/json/metering/origin/", strict_slashes=False)
def list_meters() -> Response:
    """Identifiers of her meters."""
    admit(Role.CONSUMER)
    return answer(list(dict.fromkeys(one.meter for one in auth.consumer().meters(auth.now()))))


@routes.get("/json/metering/origin/<meter>")
@routes.get("/json/metering/origin/<meter>/extended")
def show_meter(meter: str) -> Response:
    """The last readings of one of her meters."""
    admit(Role.CONSUMER)
    view = auth.consumer()
    named = [one for one in view.meters(auth.now()) if one.meter.casefold() == meter.casefold()]
    if not named:
        raise HanError(HanReason.NOT_FOUND, "there is no such meter")
    return answer(_document(view, named))


def _document(view: ConsumerView, meters: list[ShownMeter]) -> dict[str, object]:
    now = auth.now()
    channels = last(view, registers_of(meters), now)
    readings = [one for channel in channels for one in channel.readings]
    powers = [one for one in view.now(now).powers if one.meter == meters[0].meter and not one.averaged_seconds]
    newest = max(readings, key=lambda one: one.captured_at, default=None)
    return {
        "capture_time": None if newest is None else local(newest.captured_at).isoformat(),
        "status": None if newest is None else "".join(status_text(newest.status)),
        "timestamp": local(int(now.timestamp())).isoformat(),
        # What a register shows at this moment takes the place of what was last stored of it.
        "values": list({one["logical_name"]: one for one in [*map(_reading, readings), *map(_power, powers)]}.values()),
    }


def _reading(one: ShownReading) -> dict[str, object]:
    return {
        "logical_name": logical(hexadecimal(one.register), one.meter),
        "scaler": one.amount.scaler,
        "signature": one.signature.hex() or "-",
        "unit": one.amount.unit,
        "value": str(one.amount.value),
    }


def _power(one: Power) -> dict[str, object]:
    """What the meter shows at this moment; nobody signs it."""
    return {
        "logical_name": logical(POWER_DRAWN if one.drawn else POWER_FED_IN, one.meter),
        "scaler": one.amount.scaler,
        "signature": "-",
        "unit": one.amount.unit,
        "value": str(one.amount.value),
    }
