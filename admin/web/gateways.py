"""Pages of gateways: the inventory, and one gateway with all that is known of it."""

from cryptography.hazmat.primitives.serialization import Encoding
from flask import Response, request

from admin.certificates import judged
from admin.errors import AdminError
from admin.inventory import WAKE_PORT, GatewayRecord
from admin.life_cycle import GATEWAY_TRANSITIONS, REACHABLE, LifeCycle
from admin.packages import Packages
from admin.renew import ends_at
from admin.reports import Subject, text_of
from admin.web.desk import UNPROCESSABLE, Desk
from admin.web.forms import Fault, Form
from pki.certificates import Purpose, load_certificate
from pki.errors import CertificateError

RECENT = 12
"""Orders and notifications on a gateway's page; all of them have a page of their own."""
ENTRIES = 200


def gateways(desk: Desk) -> Response:
    """The inventory."""
    state = request.args.get("state", "")
    chosen = LifeCycle(state) if state in set(LifeCycle) else None
    records = desk.office.inventory.all(chosen)
    rows = [
        {
            "record": record,
            "ends_at": ends_at(record),
            "tunnel": desk.office.tunnels.open(record.gateway, desk.now),
            "open": len(desk.office.orders.open(record.gateway)),
        }
        for record in records
    ]
    return desk.page(
        "gateways.html", rows=rows, states=list(LifeCycle), chosen=chosen, serving=desk.office.tunnels.running(desk.now)
    )


def gateway(desk: Desk, *, identifier: str) -> Response:
    """One gateway."""
    return _gateway(desk, identifier, "gateway.html")


def gateway_progress(desk: Desk, *, identifier: str) -> Response:
    """The part of a gateway's page that changes while somebody looks."""
    return _gateway(desk, identifier, "_gateway_progress.html")


def _gateway(desk: Desk, identifier: str, template: str) -> Response:
    found = desk.gateway(identifier)
    office = desk.office
    record = office.inventory.get(found)
    errand = desk.console.errands.of(found)
    inquiries = office.reports.open(found)
    return desk.page(
        template,
        record=record,
        reachable=record.state in REACHABLE,
        ends_at=ends_at(record),
        errand=errand,
        inquiries=inquiries,
        running=errand is not None and not errand.over,
        tunnel=office.tunnels.last(found),
        tunnel_open=office.tunnels.open(found, desk.now),
        serving=office.tunnels.running(desk.now),
        profiles=list(office.orders.holding(found).profiles.values()),
        orders=office.orders.all(found)[-RECENT:][::-1],
        notifications=office.reports.notifications(found, limit=RECENT)[::-1],
        told=office.reports.status(found),
        next_states=[
            one for one in LifeCycle if one in GATEWAY_TRANSITIONS[record.state] and one is not LifeCycle.LOCKED
        ],
        may_lock=LifeCycle.LOCKED in GATEWAY_TRANSITIONS[record.state],
        packages=Packages(office.engine, office.audit).all(),
    )


def log(desk: Desk, *, identifier: str, subject: str) -> Response:
    """A log of one gateway, as far as it was read. The consumer's log is the consumer's: it is not among them."""
    found = desk.gateway(identifier)
    chosen = Subject.CALIBRATION_LOG if subject == Subject.CALIBRATION_LOG else Subject.SYSTEM_LOG
    record = desk.office.inventory.get(found)
    last = desk.office.reports.last_entry(found, chosen)
    before = request.args.get("before", "")
    end = min(int(before), last + 1) if before.isascii() and before.isdigit() and len(before) < 16 else last + 1
    entries = desk.office.reports.entries(found, chosen, after=max(end - 1 - ENTRIES, 0), limit=ENTRIES)
    shown = [one for one in entries if int(str(one["record_number"])) < end]
    german = request.args.get("lang") == "de"
    texts = {one["record_number"]: text_of(one, "de" if german else "en") for one in shown}
    older = max(end - ENTRIES, 0)
    return desk.page(
        "log.html", record=record, subject=chosen, entries=shown[::-1], older=older, german=german, texts=texts
    )


def new_gateway_form(desk: Desk) -> Response:
    """Ask for a new gateway."""
    return desk.page("new_gateway.html", faults={}, entered={"port": str(WAKE_PORT)}, states=_enterable(), refused="")


def new_gateway(desk: Desk) -> Response:
    """Enter a gateway into the inventory, with the manufacturer's seals or operational certificates."""
    form = desk.form
    found = form.device("gateway")
    certificates = _triple(form)
    host, port = form.text("host"), form.integer("port", 1, 65_535)
    state, note = LifeCycle(form.choice("state", _enterable())), form.text("note", default="", longest=500)
    refused = ""
    if not form.faults:
        try:
            seal = bool(certificates) and judged(certificates, found, desk.office.trust(), desk.now)
            record = GatewayRecord(found, state, host, port, certificates, seal, note=note)
            desk.office.inventory.add(record, desk.by, desk.now)
            return desk.go("gateway", identifier=found.text)
        except AdminError as error:
            refused = str(error)
    return desk.page(
        "new_gateway.html",
        UNPROCESSABLE,
        faults=form.faults,
        entered=form.entered(),
        states=_enterable(),
        refused=refused,
    )


def _enterable() -> list[str]:
    return [state.value for state in LifeCycle if state not in {LifeCycle.RETIRED, LifeCycle.LOCKED}]


def _triple(form: Form) -> dict[Purpose, bytes]:
    """The three certificates, or none of them."""
    found: dict[Purpose, bytes] = {}
    for purpose in Purpose:
        data = form.file(f"certificate_{purpose}")
        if data:
            try:
                found[purpose] = load_certificate(data).public_bytes(Encoding.DER)
            except CertificateError:
                form.fault(f"certificate_{purpose}", Fault.CERTIFICATE)
    return found
