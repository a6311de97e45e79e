"""Pages of what happened: the audit log and its proof, and what gateways told unasked."""

from flask import Response, request

from admin.audit import verify
from admin.errors import AuditError
from admin.web.desk import Desk

ENTRIES = 100


def audit(desk: Desk) -> Response:
    """The audit log, the newest entries first, page by page."""
    before = request.args.get("before", "")
    newest = desk.office.audit.latest(1)
    last = newest[-1].number if newest else 0
    end = min(int(before), last + 1) if before.isascii() and before.isdigit() and len(before) < 16 else last + 1
    after = max(end - 1 - ENTRIES, 0)
    entries = desk.office.audit.entries(after=after, limit=end - 1 - after)
    return desk.page("audit.html", entries=entries[::-1], older=after + 1 if after else 0, proof=None)


def audit_proof(desk: Desk) -> Response:
    """Prove the whole log now, and show the result above its newest entries."""
    broken: AuditError | None = None
    count = 0
    try:
        count = verify(desk.office.engine, [desk.office.signature_certificate()])
    except AuditError as error:
        broken = error
    entries = [] if broken else desk.office.audit.latest(ENTRIES)[::-1]
    proof = {"count": count, "broken": broken}
    return desk.page("audit.html", entries=entries, older=0, proof=proof)


def notifications(desk: Desk) -> Response:
    """What gateways told unasked, the latest first."""
    gateway = request.args.get("gateway", "")
    of = desk.gateway(gateway) if gateway else None
    return desk.page("notifications.html", notifications=desk.office.reports.notifications(of)[::-1], gateway=of)
