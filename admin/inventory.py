"""The inventory: every gateway that this administrator is responsible for, and where its life stands.

Decides what may be entered, that a life cycle moves along its table only, and that a gateway operates only with
operational certificates. Whether a certificate is believed is decided in ``pki``, before it comes here; here it must at
least name this gateway. Every change and its entry in the audit log are one transaction.
"""

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from admin.audit import Action, Audit
from admin.database import from_seconds_or_none, reading, to_seconds, writing
from admin.errors import InventoryError, InventoryReason
from admin.life_cycle import GATEWAY_TRANSITIONS, REACHABLE, LifeCycle, refusal
from admin.schema import gateway_certificates, gateways, tunnels
from pki.certificates import Purpose, Role, fingerprint, load_certificate
from pki.errors import CertificateError
from pki.profiles import read_subject
from wire.reading import DeviceId

__all__ = ["GatewayRecord", "Inventory", "LifeCycle"]

MAXIMUM_NOTE = 500
WAKE_PORT = 4059
"""Where wake-ups are sent unless it is said otherwise; no registered port of the TR is public (docs/deviations.md)."""
_HOST = re.compile(
    r"(?=.{1,253}\Z)[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*"
)


@dataclass(frozen=True, slots=True)
class GatewayRecord:
    """One gateway. ``certificates`` (DER) are those that it uses now; ``seal``: they are the manufacturer's seal."""

    gateway: DeviceId
    state: LifeCycle = LifeCycle.DELIVERED
    wake_host: str = "127.0.0.1"
    wake_port: int = WAKE_PORT
    certificates: Mapping[Purpose, bytes] = field(default_factory=dict)
    seal: bool = False
    next_sequence: int = 1
    last_tunnel_at: datetime | None = None
    note: str = ""


class Inventory:
    """The gateways in the database."""

    def __init__(self, engine: sa.Engine, audit: Audit) -> None:
        """A view on the database; changes are told to ``audit``."""
        self._engine = engine
        self._audit = audit

    def add(self, record: GatewayRecord, by: str, at: datetime) -> None:
        """Enter a gateway. Raises InventoryError: EXISTS, ADDRESS, CERTIFICATES, STATE."""
        self.add_all((record,), by, at)

    def add_all(self, records: Iterable[GatewayRecord], by: str, at: datetime) -> None:
        """Enter gateways, all or none. Raises as :meth:`add`."""
        with writing(self._engine) as connection:
            for record in records:
                self._add(connection, record, by, at)

    def _add(self, connection: sa.Connection, record: GatewayRecord, by: str, at: datetime) -> None:
        require_enterable(record)
        row = {
            "gateway": record.gateway.text,
            "state": record.state.value,
            "wake_host": record.wake_host,
            "wake_port": record.wake_port,
            "seal": record.seal,
            "next_sequence": record.next_sequence,
            "note": record.note[:MAXIMUM_NOTE],
            "added_at": to_seconds(at),
        }
        _require_new(connection, record.gateway)
        connection.execute(gateways.insert(), row)
        self._put_certificates(connection, record.gateway, record.certificates)
        self._audit.enter(
            connection, Action.GATEWAY_ADDED, record.gateway.text, by, at,
            state=record.state.value, address=f"{record.wake_host}:{record.wake_port}",
            **_fingerprints(record.certificates),
        )  # fmt: skip

    def get(self, gateway: DeviceId) -> GatewayRecord:
        """One gateway. Raises InventoryError(UNKNOWN)."""
        with reading(self._engine) as connection:
            return self.within(connection, gateway)

    def within(self, connection: sa.Connection, gateway: DeviceId) -> GatewayRecord:
        """One gateway as a transaction sees it. Raises InventoryError(UNKNOWN)."""
        found = _records(connection, gateways.c.gateway == gateway.text)
        if not found:
            raise InventoryError(
                InventoryReason.UNKNOWN,
                f"{gateway} is not in the inventory; enter it: smgw-admin gateways add {gateway} --host ADDRESS",
            )
        return found[0]

    def all(self, state: LifeCycle | None = None) -> list[GatewayRecord]:
        """Every gateway (in one ``state``), by identification."""
        with reading(self._engine) as connection:
            return _records(connection, sa.true() if state is None else gateways.c.state == state.value)

    def find(
        self, state: LifeCycle | None = None, *, match: str = "*", after: str = "", limit: int | None = None
    ) -> list[GatewayRecord]:
        """Gateways by identification: those that ``match`` (with * and ?) fits, higher than ``after``, so many."""
        fits = sa.func.glob(match.upper().replace("[", "[[]"), gateways.c.gateway)
        chosen = sa.select(gateways.c.gateway).where(fits, gateways.c.gateway > after)
        if state is not None:
            chosen = chosen.where(gateways.c.state == state.value)
        chosen = chosen.order_by(gateways.c.gateway).limit(limit)
        with reading(self._engine) as connection:
            return _records(connection, gateways.c.gateway.in_(chosen))

    def require_reachable(self, gateway: DeviceId) -> GatewayRecord:
        """The gateway, if it may be woken and given orders. Raises InventoryError: UNKNOWN, STATE."""
        return require_reachable(self.get(gateway))

    def change(self, gateway: DeviceId, to: LifeCycle, by: str, at: datetime) -> None:
        """Move along the life cycle. Raises InventoryError: UNKNOWN, TRANSITION, CERTIFICATES."""
        with writing(self._engine) as connection:
            record = self.within(connection, gateway)
            why = refusal(gateway.text, record.state, to, GATEWAY_TRANSITIONS)
            if why is not None:
                raise InventoryError(InventoryReason.TRANSITION, why)
            if to is LifeCycle.OPERATING:
                _require_operational(gateway, record.certificates, seal=record.seal)
            _update(connection, gateway, state=to.value)
            self._audit.enter(
                connection, Action.GATEWAY_STATE, gateway.text, by, at, before=record.state.value, after=to.value
            )

    def set_certificates(
        self, gateway: DeviceId, certificates: Mapping[Purpose, bytes], seal: bool, by: str, at: datetime
    ) -> None:
        """Replace all certificates of a gateway. Raises InventoryError: UNKNOWN, CERTIFICATES."""
        _require_own(gateway, certificates)
        with writing(self._engine) as connection:
            record = self.within(connection, gateway)
            if record.state is LifeCycle.OPERATING:
                _require_operational(gateway, certificates, seal=seal)
            connection.execute(gateway_certificates.delete().where(gateway_certificates.c.gateway == gateway.text))
            self._put_certificates(connection, gateway, certificates)
            _update(connection, gateway, seal=seal)
            self._audit.enter(
                connection, Action.GATEWAY_CERTIFICATES, gateway.text, by, at,
                seal="yes" if seal else "no", **_fingerprints(certificates),
            )  # fmt: skip

    def set_address(self, gateway: DeviceId, host: str, port: int, by: str, at: datetime) -> None:
        """Change where wake-ups are sent. Raises InventoryError: UNKNOWN, ADDRESS."""
        _require_address(host, port)
        with writing(self._engine) as connection:
            self.within(connection, gateway)
            _update(connection, gateway, wake_host=host, wake_port=port)
            self._audit.enter(connection, Action.GATEWAY_ADDRESS, gateway.text, by, at, address=f"{host}:{port}")

    def set_note(self, gateway: DeviceId, note: str, by: str, at: datetime) -> None:
        """Change the note for people. Raises InventoryError(UNKNOWN)."""
        with writing(self._engine) as connection:
            self.within(connection, gateway)
            _update(connection, gateway, note=note[:MAXIMUM_NOTE])
            self._audit.enter(connection, Action.GATEWAY_NOTE, gateway.text, by, at, note=note)

    @staticmethod
    def _put_certificates(connection: sa.Connection, gateway: DeviceId, certificates: Mapping[Purpose, bytes]) -> None:
        for purpose, certificate in certificates.items():
            connection.execute(
                gateway_certificates.insert(),
                {"gateway": gateway.text, "purpose": purpose.value, "certificate": certificate},
            )


def require_reachable(record: GatewayRecord) -> GatewayRecord:
    """``record``, if its gateway may be woken and given orders. Raises InventoryError(STATE)."""
    if record.state not in REACHABLE:
        sentence = f"{record.gateway} is {record.state}: it is not woken and gets no orders"
        if record.state is LifeCycle.LOCKED:
            sentence += f"; unlock it with: smgw-admin gateways state {record.gateway} {LifeCycle.OPERATING}"
        raise InventoryError(InventoryReason.STATE, sentence)
    return record


def _records(connection: sa.Connection, condition: sa.ColumnElement[bool]) -> list[GatewayRecord]:
    certificates: dict[str, dict[Purpose, bytes]] = {}
    chosen = sa.select(gateways.c.gateway).where(condition)
    for row in connection.execute(sa.select(gateway_certificates).where(gateway_certificates.c.gateway.in_(chosen))):
        certificates.setdefault(row.gateway, {})[Purpose(row.purpose)] = row.certificate
    last = (
        sa.select(sa.func.max(tunnels.c.opened_at))
        .where(tunnels.c.gateway == gateways.c.gateway)
        .scalar_subquery()
        .label("last_tunnel_at")
    )
    return [
        GatewayRecord(
            gateway=DeviceId(row.gateway),
            state=LifeCycle(row.state),
            wake_host=row.wake_host,
            wake_port=row.wake_port,
            certificates=certificates.get(row.gateway, {}),
            seal=row.seal,
            next_sequence=row.next_sequence,
            last_tunnel_at=from_seconds_or_none(row.last_tunnel_at),
            note=row.note,
        )
        for row in connection.execute(sa.select(gateways, last).where(condition).order_by(gateways.c.gateway))
    ]


def _require_new(connection: sa.Connection, gateway: DeviceId) -> None:
    if connection.scalar(sa.select(gateways.c.gateway).where(gateways.c.gateway == gateway.text)):
        raise InventoryError(
            InventoryReason.EXISTS,
            f"{gateway} is in the inventory already: smgw-admin gateways show {gateway}",
        )


def require_enterable(record: GatewayRecord) -> None:
    """Raise what :meth:`Inventory.add` would for a gateway that is not there. Raises InventoryError: not EXISTS."""
    _require_address(record.wake_host, record.wake_port)
    _require_own(record.gateway, record.certificates)
    if record.state is LifeCycle.OPERATING:
        _require_operational(record.gateway, record.certificates, seal=record.seal)


def _update(connection: sa.Connection, gateway: DeviceId, **values: object) -> None:
    connection.execute(gateways.update().where(gateways.c.gateway == gateway.text).values(**values))


def _require_address(host: str, port: int) -> None:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        if _HOST.fullmatch(host) is None:
            raise InventoryError(
                InventoryReason.ADDRESS, f"{host[:60]!r} is neither an address nor a host name"
            ) from None
    if not 0 < port < 65_536:
        raise InventoryError(InventoryReason.ADDRESS, f"a UDP port is 1..65535, not {port}")


def _require_own(gateway: DeviceId, certificates: Mapping[Purpose, bytes]) -> None:
    """All three or none, each readable and in the name of this gateway."""
    if certificates and set(certificates) != set(Purpose):
        missing = ", ".join(sorted(set(Purpose) - set(certificates)))
        raise InventoryError(
            InventoryReason.CERTIFICATES, f"{gateway} needs all three certificates; missing: {missing}"
        )
    for purpose, der in certificates.items():
        try:
            subject = read_subject(load_certificate(der).subject)
        except CertificateError as error:
            raise InventoryError(InventoryReason.CERTIFICATES, f"the {purpose} certificate: {error}") from error
        if (subject.role, subject.identity) != (Role.SMGW, gateway.text):
            raise InventoryError(
                InventoryReason.CERTIFICATES,
                f"the {purpose} certificate is of {subject.identity}.{subject.role}, not of {gateway}",
            )


def _require_operational(gateway: DeviceId, certificates: Mapping[Purpose, bytes], *, seal: bool) -> None:
    if seal or not certificates:
        has = "the manufacturer's seal" if seal else "no certificates"
        raise InventoryError(
            InventoryReason.CERTIFICATES, f"{gateway} has {has}; it operates after: smgw-admin enrol {gateway}"
        )


def _fingerprints(certificates: Mapping[Purpose, bytes]) -> dict[str, str]:
    return {purpose.value: fingerprint(load_certificate(der)) for purpose, der in certificates.items()}
