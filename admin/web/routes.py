"""Who may do what at the console: every address with the least role that it needs, in one table.

Decides nothing but that. The application is built from this table and from nothing else, so an address that is not here
does not exist, and one without a role cannot be written down.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from flask import Response

from admin.users import UserRole
from admin.web import acts, books, drafts, entry, gateways, orders, people


class Everybody(Enum):
    """In place of a role: a page that is shown before anybody is logged in."""

    PUBLIC = "public"


PUBLIC: Final = Everybody.PUBLIC
VIEWER, OPERATOR, SUPERVISOR = UserRole.VIEWER, UserRole.OPERATOR, UserRole.SUPERVISOR


@dataclass(frozen=True, slots=True)
class Route:
    """One address. What changes something is POST, and carries the token of its form."""

    method: str
    path: str
    view: Callable[..., Response]
    least: UserRole | Everybody
    by_itself: bool = False
    """Asked for by a page and not by a person: it does not count as using the session."""

    @property
    def name(self) -> str:
        """How templates name it: the name of its view."""
        return self.view.__name__


_ORDER: Final = "/orders/<int(max=9223372036854775807):number>"
"""A number beyond what the database holds is not there."""
_GATEWAY: Final = "/gateways/<identifier>"
ROUTES: Final = (
    Route("GET", "/static/<name>", entry.static_file, PUBLIC),
    Route("GET", "/login", entry.login_form, PUBLIC),
    Route("POST", "/login", entry.login, PUBLIC),
    Route("POST", "/logout", entry.logout, VIEWER),
    Route("GET", "/account", entry.account, VIEWER),
    Route("POST", "/account", entry.change_password, VIEWER),
    Route("GET", "/", gateways.gateways, VIEWER),
    Route("GET", "/gateways/new", gateways.new_gateway_form, OPERATOR),
    Route("POST", "/gateways/new", gateways.new_gateway, OPERATOR),
    Route("GET", _GATEWAY, gateways.gateway, VIEWER),
    Route("GET", f"{_GATEWAY}/progress", gateways.gateway_progress, VIEWER, by_itself=True),
    Route("GET", f"{_GATEWAY}/logs/<subject>", gateways.log, VIEWER),
    Route("POST", f"{_GATEWAY}/wake", acts.wake, OPERATOR),
    Route("POST", f"{_GATEWAY}/break-up", acts.break_up, OPERATOR),
    Route("POST", f"{_GATEWAY}/self-test", acts.self_test, OPERATOR),
    Route("POST", f"{_GATEWAY}/clock", acts.clock, OPERATOR),
    Route("POST", f"{_GATEWAY}/restart", acts.restart, OPERATOR),
    Route("POST", f"{_GATEWAY}/retention", acts.retention, OPERATOR),
    Route("POST", f"{_GATEWAY}/event", acts.event, OPERATOR),
    Route("POST", f"{_GATEWAY}/request", acts.request_values, OPERATOR),
    Route("POST", f"{_GATEWAY}/crl", acts.crl, OPERATOR),
    Route("POST", f"{_GATEWAY}/read/<subject>", acts.read, OPERATOR),
    Route("POST", f"{_GATEWAY}/withdraw", acts.withdraw, OPERATOR),
    Route("POST", f"{_GATEWAY}/address", acts.address, OPERATOR),
    Route("POST", f"{_GATEWAY}/note", acts.note, OPERATOR),
    Route("POST", f"{_GATEWAY}/lock", acts.lock, OPERATOR),
    Route("POST", f"{_GATEWAY}/state", acts.state, SUPERVISOR),
    Route("POST", f"{_GATEWAY}/renew", acts.renew, SUPERVISOR),
    Route("POST", f"{_GATEWAY}/enrol", acts.enrol, SUPERVISOR),
    Route("POST", f"{_GATEWAY}/firmware/store", acts.store_firmware, SUPERVISOR),
    Route("POST", f"{_GATEWAY}/firmware/activate", acts.activate_firmware, SUPERVISOR),
    Route("GET", "/drafts", drafts.drafts, VIEWER),
    Route("GET", "/drafts/access", drafts.access_form, OPERATOR),
    Route("POST", "/drafts/access", drafts.access, OPERATOR),
    Route("GET", "/drafts/meter", drafts.meter_form, OPERATOR),
    Route("POST", "/drafts/meter", drafts.meter, OPERATOR),
    Route("GET", "/drafts/party", drafts.party_form, OPERATOR),
    Route("POST", "/drafts/party", drafts.party, OPERATOR),
    Route("GET", "/drafts/text", drafts.text_form, OPERATOR),
    Route("POST", "/drafts/text", drafts.text, OPERATOR),
    Route("POST", "/drafts/delete/<name>", drafts.delete, OPERATOR),
    Route("GET", "/issue", drafts.issue_form, OPERATOR),
    Route("POST", "/issue", drafts.issue, OPERATOR),
    Route("GET", "/orders", orders.orders, VIEWER),
    Route("GET", _ORDER, orders.order, VIEWER),
    Route("GET", f"{_ORDER}/progress", orders.order_progress, VIEWER, by_itself=True),
    Route("POST", f"{_ORDER}/wake", orders.wake_for, OPERATOR),
    Route("POST", f"{_ORDER}/cancel", orders.cancel, OPERATOR),
    Route("GET", "/audit", books.audit, VIEWER),
    Route("GET", "/audit/proof", books.audit_proof, VIEWER),
    Route("GET", "/notifications", books.notifications, VIEWER),
    Route("GET", "/users", people.people, SUPERVISOR),
    Route("POST", "/users", people.add_user, SUPERVISOR),
    Route("POST", "/users/<name>/role", people.change_role, SUPERVISOR),
    Route("POST", "/users/<name>/password", people.reset_password, SUPERVISOR),
    Route("POST", "/users/<name>/remove", people.remove_user, SUPERVISOR),
)
