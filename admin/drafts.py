"""Drafts of profiles: TOML that a person or a form wrote, until it is issued to a gateway.

Decides what may be saved (whatever is a profile) and what may be issued: a set of profiles without contradictions, with
versions that go forward, judged against what the gateway holds and will hold by the orders before. A draft that names
no version gets the next one. Check and queuing are one transaction, so that two people cannot both be right.
"""

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from admin.audit import Action, Audit
from admin.database import from_seconds, reading, to_seconds, writing
from admin.errors import DraftError, DraftReason
from admin.installed import Holding
from admin.orders import OrderBook
from admin.schema import drafts
from wire.errors import OrderError, ProfileError
from wire.orders import ChangeProfiles, ProfileReference
from wire.profiles import Finding, Profile, check_set, profile_from_mapping
from wire.reading import DeviceId

MAXIMUM_CHARACTERS = 64 * 1024
"""A profile with two certificates in it has some four kilobytes."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Draft:
    """One draft as it was saved."""

    name: str
    text: str
    by: str
    saved_at: datetime


@dataclass(frozen=True, slots=True)
class Preview:
    """What would be issued, and the contradictions that would keep it from being queued."""

    profiles: tuple[Profile, ...]
    findings: tuple[Finding, ...]


class Drafts:
    """The drafts in the database."""

    def __init__(self, engine: sa.Engine, audit: Audit, orders: OrderBook) -> None:
        """A view on the database; what is issued goes into ``orders``."""
        self._engine = engine
        self._audit = audit
        self._orders = orders

    def save(self, name: str, text: str, by: str, at: datetime) -> Profile:
        """Keep a draft, in place of an earlier one of that name; gives its profile. Raises DraftError(MALFORMED)."""
        if _NAME.fullmatch(name) is None:
            raise DraftError(
                DraftReason.MALFORMED, f"{name[:60]!r} is no name: 1 to 64 letters, digits, dots, dashes, underscores"
            )
        profile = _profile(name, parse_draft(name, text))
        values = {"text": text, "by": by, "saved_at": to_seconds(at)}
        with writing(self._engine) as connection:
            connection.execute(
                insert(drafts)
                .values(name=name, **values)
                .on_conflict_do_update(index_elements=[drafts.c.name], set_=values)
            )
            self._audit.enter(
                connection, Action.DRAFT_SAVED, name, by, at, kind=profile.KIND, id=profile.id, version=profile.version
            )
        return profile

    def delete(self, name: str, by: str, at: datetime) -> None:
        """Forget a draft; what was issued from it stays. Raises DraftError(UNKNOWN)."""
        with writing(self._engine) as connection:
            _get(connection, name)
            connection.execute(drafts.delete().where(drafts.c.name == name))
            self._audit.enter(connection, Action.DRAFT_DELETED, name, by, at)

    def get(self, name: str) -> Draft:
        """One draft. Raises DraftError(UNKNOWN)."""
        with reading(self._engine) as connection:
            return _get(connection, name)

    def all(self) -> list[Draft]:
        """Every draft, by name."""
        with reading(self._engine) as connection:
            return [_draft(row) for row in connection.execute(sa.select(drafts).order_by(drafts.c.name))]

    def profile(self, name: str) -> Profile:
        """The profile that a draft describes. Raises DraftError: UNKNOWN, MALFORMED."""
        return _profile(name, parse_draft(name, self.get(name).text))

    def check(self, names: Sequence[str], gateway: DeviceId) -> tuple[Profile, ...]:
        """The profiles that would be issued to ``gateway`` together. Raises as :meth:`issue_together`."""
        with reading(self._engine) as connection:
            return self._judged(connection, names, gateway).install

    def preview(self, names: Sequence[str], gateway: DeviceId) -> Preview:
        """What :meth:`issue_together` would do, every contradiction told. Raises DraftError: not INCONSISTENT."""
        with reading(self._engine) as connection:
            expected = self._orders.expected_within(connection, gateway)
            command = _change([_versioned(_get(connection, name), expected) for name in names])
        return Preview(command.install, _new_findings(expected, command))

    def issue_together(self, names: Sequence[str], gateway: DeviceId, by: str, at: datetime) -> int:
        """Queue drafts for ``gateway`` as one order, done as a whole or not at all; gives its number.

        1. Each is a profile, and no two are the same one.
        2. Each is newer than what the gateway ever held, or will hold by the orders before.
        3. The resulting set has no contradiction.

        Raises DraftError: UNKNOWN, MALFORMED, VERSION, INCONSISTENT; InventoryError: UNKNOWN, STATE.
        """
        with writing(self._engine) as connection:
            command = self._judged(connection, names, gateway)
            return self._orders.queue_within(connection, gateway, command, by, at)

    def issue_tables(
        self, tables: Mapping[str, Mapping[str, Any]], gateway: DeviceId, by: str, at: datetime
    ) -> int | None:
        """As :meth:`issue_together`, for profiles that stand in no draft (by the name that errors tell).

        Gives None, and queues nothing, where ``gateway`` holds or will hold exactly these, whatever their version.
        """
        with writing(self._engine) as connection:
            command = self._wanted(connection, tables, gateway)
            return None if command is None else self._orders.queue_within(connection, gateway, command, by, at)

    def issue_made(self, make: Callable[[Holding], Profile], gateway: DeviceId, by: str, at: datetime) -> int:
        """As :meth:`issue_together`, for one profile that ``make`` builds on what ``gateway`` will hold by then."""
        with writing(self._engine) as connection:
            expected = self._orders.expected_within(connection, gateway)
            command = _change([make(expected)])
            _require_consistent(expected, command)
            return self._orders.queue_within(connection, gateway, command, by, at)

    def check_tables(self, tables: Mapping[str, Mapping[str, Any]], gateway: DeviceId) -> bool:
        """Whether :meth:`issue_tables` would queue something. Raises as it."""
        with reading(self._engine) as connection:
            return self._wanted(connection, tables, gateway) is not None

    def withdraw(self, references: Sequence[tuple[str, str]], gateway: DeviceId, by: str, at: datetime) -> int:
        """Queue the withdrawal of profiles (kind, id) as one order; gives its number.

        Raises DraftError: NOT_INSTALLED, INCONSISTENT where another profile needs one of them; InventoryError.
        """
        with writing(self._engine) as connection:
            expected = self._orders.expected_within(connection, gateway)
            for key in references:
                if key not in expected.profiles:
                    raise DraftError(
                        DraftReason.NOT_INSTALLED,
                        f"{gateway} holds no {key[0]} profile {key[1]} by our orders: "
                        f"smgw-admin profiles installed {gateway}",
                    )
            try:
                command = ChangeProfiles((), tuple(ProfileReference(kind, name) for kind, name in references))
            except OrderError as error:
                raise DraftError(DraftReason.MALFORMED, str(error)) from error
            _require_consistent(expected, command)
            return self._orders.queue_within(connection, gateway, command, by, at)

    def _judged(self, connection: sa.Connection, names: Sequence[str], gateway: DeviceId) -> ChangeProfiles:
        expected = self._orders.expected_within(connection, gateway)
        # 1, 2
        command = _change([_versioned(_get(connection, name), expected) for name in names])
        # 3
        _require_consistent(expected, command)
        return command

    def _wanted(
        self, connection: sa.Connection, tables: Mapping[str, Mapping[str, Any]], gateway: DeviceId
    ) -> ChangeProfiles | None:
        """What of ``tables`` is not there yet."""
        expected = self._orders.expected_within(connection, gateway)
        missing = [_next(name, table, expected) for name, table in tables.items() if not _held(name, table, expected)]
        if not missing:
            return None
        command = _change(missing)
        _require_consistent(expected, command)
        return command


def sentence(finding: Finding) -> str:
    """A finding for people."""
    return f"{finding.profile}: {finding.reason.replace('-', ' ')}: {finding.subject}"


def _change(profiles: Sequence[Profile]) -> ChangeProfiles:
    try:
        return ChangeProfiles(tuple(profiles), ())
    except OrderError as error:
        raise DraftError(DraftReason.MALFORMED, f"these drafts cannot be issued together: {error}") from error


def _new_findings(expected: Holding, command: ChangeProfiles) -> tuple[Finding, ...]:
    """Contradictions that were not there before: an old one must not keep its own repair out."""
    before = set(check_set(expected.profiles.values()))
    return tuple(one for one in check_set(expected.after(command).profiles.values()) if one not in before)


def _require_consistent(expected: Holding, command: ChangeProfiles) -> None:
    found = _new_findings(expected, command)
    if found:
        told = "; ".join(sentence(one) for one in found)
        raise DraftError(
            DraftReason.INCONSISTENT, f"nothing was queued, the gateway's profiles would contradict one another: {told}"
        )


def _versioned(draft: Draft, expected: Holding) -> Profile:
    return _next(draft.name, parse_draft(draft.name, draft.text), expected)


def _held(name: str, table: Mapping[str, Any], expected: Holding) -> bool:
    """Whether exactly this profile holds; where ``table`` names no version, in any."""
    held = expected.profiles.get((str(table.get("kind")), str(table.get("id"))))
    return held is not None and _profile(name, {"version": held.version, **table}) == held


def _next(name: str, table: Mapping[str, Any], expected: Holding) -> Profile:
    held = expected.versions.get((str(table.get("kind")), str(table.get("id"))), 0)
    profile = _profile(name, {"version": held + 1, **table})
    if profile.version <= held:
        raise DraftError(
            DraftReason.VERSION,
            f"{name}: version {held} of {profile.KIND} {profile.id} was issued already; "
            f"write version = {held + 1}, or leave the version out",
        )
    return profile


def _profile(name: str, table: dict[str, Any]) -> Profile:
    try:
        return profile_from_mapping(table)
    except ProfileError as error:
        raise DraftError(DraftReason.MALFORMED, f"{name} is not a profile: {error}") from error


def parse_draft(name: str, text: str) -> dict[str, Any]:
    """A draft as the table that it is, whatever stands in it. Raises DraftError(MALFORMED)."""
    if len(text) > MAXIMUM_CHARACTERS:
        raise DraftError(DraftReason.MALFORMED, f"{name} is longer than {MAXIMUM_CHARACTERS} characters")
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise DraftError(DraftReason.MALFORMED, f"{name} is not TOML: {error}") from error


def _get(connection: sa.Connection, name: str) -> Draft:
    row = connection.execute(sa.select(drafts).where(drafts.c.name == name)).first()
    if row is None:
        raise DraftError(
            DraftReason.UNKNOWN, f"there is no draft {name[:64]!r}: smgw-admin profiles draft {name[:64]} FILE"
        )
    return _draft(row)


def _draft(row: sa.Row[tuple[str, str, str, int]]) -> Draft:
    return Draft(row.name, row.text, row.by, from_seconds(row.saved_at))
