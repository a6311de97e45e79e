"""How the gateway and her meters are, and the self-test that she may start herself (FPT_TST.1)."""

from typing import Final

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from han_web.auth import consumer, consumer_page, now
from han_web.sentences import often
from han_web.states import CONDITIONS, FIREWALLS, STATES, TESTS, reason, word
from smgw.han.port import HanError, HanReason

pages = Blueprint("device", __name__)
TOO_MANY: Final = 429


@pages.get("/device")
@consumer_page
def device() -> ResponseReturnValue:
    """The gateway and her meters."""
    return _page()


@pages.post("/device/self-test")
@consumer_page
def self_test() -> ResponseReturnValue:
    """Have the gateway test itself and show what came out; not again within ten minutes."""
    try:
        return _page(results=consumer().self_test(now()))
    except HanError as error:
        if error.reason is not HanReason.TOO_SOON:
            raise
        return _page(wait_until=error.until, too_soon=True), TOO_MANY


def state_words() -> dict[str, object]:
    """What a template needs to say how a gateway is."""
    return {
        "states": STATES,
        "conditions": CONDITIONS,
        "tests": TESTS,
        "firewalls": FIREWALLS,
        "word": word,
        "often": often,
        "reason": reason,
        "at": int(now().timestamp()),
    }


def _page(**values: object) -> str:
    view = consumer()
    return render_template(
        "device.html", status=view.status(now()), meters=view.meters(now()), **state_words(), **values
    )
