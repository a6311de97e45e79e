"""What a service technician sees: the system log and how the gateway is, and nothing else (FAU_SAR.1/SYS).

Decides nothing about access: the port refuses a technician everything of a consumer's (TR-03109-1, technician).
"""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from han_web.auth import now, technician, technician_page
from han_web.pages.device import state_words
from han_web.pages.diary import PAGE, newest_first, page_of
from han_web.words import language

pages = Blueprint("service", __name__)


@pages.get("/service/log")
@technician_page
def system_log() -> ResponseReturnValue:
    """A page of the system log."""
    view = technician()
    page = page_of("service.system_log", view.last_record())
    entries = newest_first(view.log(language(), after=page.after, limit=PAGE))
    return render_template("system_log.html", entries=entries, page=page)


@pages.get("/service/device")
@technician_page
def status() -> ResponseReturnValue:
    """How the gateway is."""
    return render_template("service_status.html", status=technician().status(now()), **state_words())
