"""Pages of drafts: forms for the usual cases, the text of any kind, and the page before something is issued."""

from datetime import timedelta

from flask import Response, request

from admin.drafts import MAXIMUM_CHARACTERS
from admin.errors import AdminError, DraftError
from admin.life_cycle import REACHABLE
from admin.web import wizard
from admin.web.choices import choices, lines
from admin.web.desk import UNPROCESSABLE, Desk
from admin.web.forms import MAXIMUM_CHOICES
from admin.web.wizard import Written
from wire.profiles import AccessPurpose, Profile
from wire.reading import DeviceId

USUAL_VALIDITY = timedelta(days=365)


def drafts(desk: Desk) -> Response:
    """All drafts, in words."""
    found = [(one, desk.office.drafts.profile(one.name)) for one in desk.office.drafts.all()]
    return desk.page("drafts.html", drafts=found, gateways=_reachable(desk))


def access_form(desk: Desk) -> Response:
    """Ask who gets what of which meter of a gateway."""
    gateway = _chosen_gateway(desk)
    if gateway is None:
        return desk.page("choose_gateway.html", gateways=_reachable(desk))
    return _access_page(desk, gateway)


def access(desk: Desk) -> Response:
    """Keep the access as a draft and show what it means before it is issued."""
    gateway = _chosen_gateway(desk)
    if gateway is None:
        return desk.page("choose_gateway.html", UNPROCESSABLE, gateways=_reachable(desk))
    form = desk.form
    written = wizard.access(form, choices(desk.office, gateway), desk.now)
    refused = "" if form.faults else _keep(desk, written)
    if form.faults or refused:
        return _access_page(desk, gateway, UNPROCESSABLE, faults=form.faults, entered=form.entered(), refused=refused)
    return desk.go("issue_form", gateway=gateway.text, draft=[*written.needs, written.name])


def _access_page(desk: Desk, gateway: DeviceId, status: int = 200, **again: object) -> Response:
    record = desk.office.inventory.get(gateway)
    offered = choices(desk.office, gateway)
    values: dict[str, object] = {
        "gateway": record,
        "choices": offered,
        "periods": wizard.PERIODS,
        "billing": wizard.BILLING,
        "purposes": list(AccessPurpose),
        "begin": desk.now,
        # What the gateway does not know for so long is of no use for so long.
        "end": min([desk.now + USUAL_VALIDITY, *(one.valid_until for one in offered.only)]),
        "faults": {},
        "entered": None,
        "refused": "",
    }
    return desk.page("access.html", status, **values | again)


def meter_form(desk: Desk) -> Response:
    """Ask for a meter."""
    return _meter_page(desk)


def meter(desk: Desk) -> Response:
    """Keep a meter as a draft."""
    form = desk.form
    written = wizard.meter(form, desk.now)
    refused = "" if form.faults else _keep(desk, written)
    if form.faults or refused:
        return _meter_page(desk, UNPROCESSABLE, faults=form.faults, entered=form.entered(), refused=refused)
    return _after(desk, written)


def _meter_page(desk: Desk, status: int = 200, **again: object) -> Response:
    gateway = _chosen_gateway(desk)
    held = [] if gateway is None else list(desk.office.orders.expected(gateway).profiles.values())
    values: dict[str, object] = {
        "gateway": gateway,
        "lines": lines(held),
        "intervals": wizard.INTERVALS,
        "begin": desk.now,
        "end": desk.now + 8 * USUAL_VALIDITY,
        "faults": {},
        "entered": None,
        "refused": "",
    }
    return desk.page("meter.html", status, **values | again)


def party_form(desk: Desk) -> Response:
    """Ask for a party."""
    return _party_page(desk)


def party(desk: Desk) -> Response:
    """Keep a party as a draft."""
    form = desk.form
    written = wizard.party(form, desk.office, desk.now)
    refused = "" if form.faults else _keep(desk, written)
    if form.faults or refused:
        return _party_page(desk, UNPROCESSABLE, faults=form.faults, entered=form.entered(), refused=refused)
    return _after(desk, written)


def _party_page(desk: Desk, status: int = 200, **again: object) -> Response:
    values: dict[str, object] = {
        "gateway": _chosen_gateway(desk),
        "purposes": list(AccessPurpose),
        "faults": {},
        "entered": None,
        "refused": "",
    }
    return desk.page("party.html", status, **values | again)


def text_form(desk: Desk) -> Response:
    """The text of a draft, or an empty one."""
    name = request.args.get("name", "")
    found = desk.office.drafts.get(name).text if name else ""
    return desk.page("text.html", name=name, text=found, refused="")


def text(desk: Desk) -> Response:
    """Keep the text of a draft."""
    name = request.form.get("name", "").strip()
    written = request.form.get("text", "").replace("\r\n", "\n")
    refused = _keep(desk, Written(name, written))
    if refused:
        return desk.page("text.html", UNPROCESSABLE, name=name[:64], text=written[:MAXIMUM_CHARACTERS], refused=refused)
    return desk.go("drafts")


def delete(desk: Desk, *, name: str) -> Response:
    """Forget a draft."""
    desk.office.drafts.delete(name, desk.by, desk.now)
    return desk.go("drafts")


def issue_form(desk: Desk) -> Response:
    """What drafts mean for a gateway, and what would keep them from it."""
    gateway = _chosen_gateway(desk)
    names = request.args.getlist("draft")[:MAXIMUM_CHOICES]
    if gateway is None or not names:
        return desk.page("choose_gateway.html", gateways=_reachable(desk), drafts=names)
    return _issue_page(desk, gateway, names)


def issue(desk: Desk) -> Response:
    """Issue drafts to a gateway, wake it, and show how it goes on."""
    gateway = _chosen_gateway(desk)
    names = request.form.getlist("draft")[:MAXIMUM_CHOICES]
    if gateway is None or not names:
        return desk.page("choose_gateway.html", UNPROCESSABLE, gateways=_reachable(desk), drafts=names)
    try:
        number = desk.office.drafts.issue_together(names, gateway, desk.by, desk.now)
    except AdminError as error:
        return _issue_page(desk, gateway, names, UNPROCESSABLE, str(error))
    return desk.carry_out(number)


def _issue_page(desk: Desk, gateway: DeviceId, names: list[str], status: int = 200, refused: str = "") -> Response:
    record = desk.office.inventory.get(gateway)
    expected = desk.office.orders.expected(gateway)
    found: tuple[Profile, ...] = ()
    findings: tuple[object, ...] = ()
    try:
        preview = desk.office.drafts.preview(names, gateway)
        found, findings = preview.profiles, preview.findings
    except DraftError as error:
        status, refused = UNPROCESSABLE, refused or str(error)
    return desk.page(
        "issue.html",
        status,
        gateway=record,
        reachable=record.state in REACHABLE,
        serving=desk.office.tunnels.running(desk.now),
        names=names,
        profiles=found,
        findings=findings,
        held=expected.versions,
        known=[*expected.profiles.values(), *found],
        refused=refused,
    )


def _keep(desk: Desk, written: Written) -> str:
    """Keep a draft; gives the sentence of a refusal."""
    try:
        desk.office.drafts.save(written.name, written.text, desk.by, desk.now)
    except DraftError as error:
        return str(error)
    return ""


def _after(desk: Desk, written: Written) -> Response:
    """On to issuing where a gateway was meant, else to the drafts."""
    gateway = _chosen_gateway(desk)
    if gateway is None:
        return desk.go("drafts")
    return desk.go("issue_form", gateway=gateway.text, draft=[written.name])


def _chosen_gateway(desk: Desk) -> DeviceId | None:
    chosen = request.values.get("gateway", "")
    return desk.gateway(chosen) if chosen else None


def _reachable(desk: Desk) -> list[DeviceId]:
    return [record.gateway for record in desk.office.inventory.all() if record.state in REACHABLE]
