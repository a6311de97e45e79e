"""The buttons of a gateway's page: each one order, one wish to read, one change of the inventory, or one errand.

Nothing is judged here: what must not be is refused by the office, and its sentence is shown.
"""

from collections.abc import Callable

from flask import Response
from werkzeug.exceptions import BadRequest

from admin import enrolment
from admin.authority import certifier
from admin.commands.maintenance import revocation_lists
from admin.enrolment import FOLDER, Walk
from admin.life_cycle import LifeCycle
from admin.packages import Packages
from admin.renew import renew as renew_one
from admin.reports import Subject
from admin.web.desk import Desk
from admin.web.errands import ErrandKind
from admin.web.forms import IDENTIFIER, Form
from wire.orders import (
    ActivateFirmware,
    BreakUp,
    Command,
    InstallRevocationLists,
    RaiseEvent,
    RequestValues,
    Restart,
    RunSelfTest,
    SetRetention,
    StoreFirmware,
    SynchroniseClock,
)
from wire.orders.commands import MAXIMUM_DAYS
from wire.reading import DeviceId


def wake(desk: Desk, *, identifier: str) -> Response:
    """Wake it, and wait for its tunnel in the background."""
    gateway = desk.gateway(identifier)
    desk.console.errands.wake(gateway, desk.by)
    return desk.go("gateway", identifier=gateway.text)


def self_test(desk: Desk, *, identifier: str) -> Response:
    """Have it test itself."""
    return desk.order(desk.gateway(identifier), RunSelfTest())


def clock(desk: Desk, *, identifier: str) -> Response:
    """Have it ask for the time."""
    return desk.order(desk.gateway(identifier), SynchroniseClock(desk.form.checked("accept_any_deviation")))


def restart(desk: Desk, *, identifier: str) -> Response:
    """Restart its process."""
    return desk.order(desk.gateway(identifier), Restart())


def break_up(desk: Desk, *, identifier: str) -> Response:
    """End its tunnel; nobody is woken for that."""
    gateway = desk.gateway(identifier)
    desk.office.orders.queue(gateway, BreakUp(), desk.by, desk.now)
    return desk.go("gateway", identifier=gateway.text)


def retention(desk: Desk, *, identifier: str) -> Response:
    """Set how long it keeps things."""
    form = desk.form
    readings = form.integer("readings_days", 1, MAXIMUM_DAYS)
    log = form.integer("system_log_days", 1, MAXIMUM_DAYS)
    return _ordered(desk, identifier, form, lambda: SetRetention(readings, log))


def event(desk: Desk, *, identifier: str) -> Response:
    """Tell it that an event has begun or is over."""
    form = desk.form
    name = form.text("name", IDENTIFIER)
    active = form.choice("state", ("on", "off")) == "on"
    return _ordered(desk, identifier, form, lambda: RaiseEvent(name, active))


def request_values(desk: Desk, *, identifier: str) -> Response:
    """Have it give a party what a profile gives on request only."""
    form = desk.form
    profile = form.text("profile", IDENTIFIER)
    return _ordered(desk, identifier, form, lambda: RequestValues(profile))


def crl(desk: Desk, *, identifier: str) -> Response:
    """Give it the revocation lists of our own trust folder."""
    lists = revocation_lists(desk.office.configuration)
    return desk.order(desk.gateway(identifier), InstallRevocationLists(lists))


def store_firmware(desk: Desk, *, identifier: str) -> Response:
    """Bring it a package that is kept here."""
    form = desk.form
    kept = [one.sha256 for one in Packages(desk.office.engine, desk.office.audit).all()]
    sha256 = form.choice("sha256", kept)
    return _ordered(desk, identifier, form, lambda: StoreFirmware(sha256))


def activate_firmware(desk: Desk, *, identifier: str) -> Response:
    """Have it run a version that it has stored."""
    form = desk.form
    version = form.text("version", longest=64)
    return _ordered(desk, identifier, form, lambda: ActivateFirmware(version))


def withdraw(desk: Desk, *, identifier: str) -> Response:
    """Take a profile back."""
    form = desk.form
    reference = (form.text("kind", longest=40), form.text("id", longest=128))
    form.require_whole()
    gateway = desk.gateway(identifier)
    return desk.carry_out(desk.office.drafts.withdraw([reference], gateway, desk.by, desk.now))


def read(desk: Desk, *, identifier: str, subject: str) -> Response:
    """Read its status or a log anew, at the tunnel that it is woken for."""
    gateway = desk.gateway(identifier)
    desk.office.inventory.require_reachable(gateway)
    if subject not in set(Subject):
        raise BadRequest
    desk.office.reports.ask(gateway, Subject(subject), desk.by, desk.now)
    desk.console.errands.wake(gateway, desk.by)
    return desk.go("gateway", identifier=gateway.text)


def address(desk: Desk, *, identifier: str) -> Response:
    """Change where it is woken."""
    form = desk.form
    host, port = form.text("host"), form.integer("port", 1, 65_535)
    form.require_whole()
    gateway = desk.gateway(identifier)
    desk.office.inventory.set_address(gateway, host, port, desk.by, desk.now)
    return desk.go("gateway", identifier=gateway.text)


def note(desk: Desk, *, identifier: str) -> Response:
    """Write a note on it."""
    form = desk.form
    text = form.text("note", default="", longest=500)
    form.require_whole()
    gateway = desk.gateway(identifier)
    desk.office.inventory.set_note(gateway, text, desk.by, desk.now)
    return desk.go("gateway", identifier=gateway.text)


def lock(desk: Desk, *, identifier: str) -> Response:
    """Lock it at once: an operator who sees something wrong need not find a supervisor first."""
    return _become(desk, identifier, LifeCycle.LOCKED)


def state(desk: Desk, *, identifier: str) -> Response:
    """Move it along its life."""
    form = desk.form
    wanted = form.member("state", LifeCycle)
    form.require_whole()
    return _become(desk, identifier, wanted)


def renew(desk: Desk, *, identifier: str) -> Response:
    """New keys and certificates for a gateway that operates."""
    return _walk(desk, identifier, ErrandKind.RENEW, renew_one)


def enrol(desk: Desk, *, identifier: str) -> Response:
    """From the seal to operating, as far as is left."""
    return _walk(desk, identifier, ErrandKind.ENROL, enrolment.enrol)


def _walk(desk: Desk, identifier: str, kind: ErrandKind, what: Callable[[Walk], None]) -> Response:
    gateway = desk.gateway(identifier)
    office, by = desk.office, desk.by
    office.inventory.require_reachable(gateway)
    authority = office.configuration.authority

    def job(say: Callable[[str], None]) -> None:
        what(
            Walk(
                office=office,
                gateway=gateway,
                folder=office.configuration.database.parent / FOLDER / gateway.text,
                by=by,
                timing=desk.console.errands.timing,
                say=say,
                certify=None if authority is None else certifier(authority),
            )
        )

    desk.console.errands.begin(gateway, kind, by, job)
    return desk.go("gateway", identifier=gateway.text)


def _become(desk: Desk, identifier: str, to: LifeCycle) -> Response:
    gateway: DeviceId = desk.gateway(identifier)
    desk.office.inventory.change(gateway, to, desk.by, desk.now)
    return desk.go("gateway", identifier=gateway.text)


def _ordered(desk: Desk, identifier: str, form: Form, command: Callable[[], Command]) -> Response:
    form.require_whole()
    return desk.order(desk.gateway(identifier), command())
