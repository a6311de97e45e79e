"""What a gateway holds, as far as our orders go: profiles that confirmed orders installed or withdrew.

Decides what follows from an order for the set of profiles, as a value and in the table. The gateway judges every change
again by itself; here a contradiction is found before anything is queued, while the person who made it still sits there.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from admin.schema import installed
from wire.orders import ChangeProfiles, Command
from wire.profiles import Profile, parse_profile
from wire.reading import DeviceId

Key = tuple[str, str]
"""Kind and id of a profile."""


@dataclass(frozen=True, slots=True)
class Holding:
    """The profiles that hold, and the highest version that each ever had (which may not come back)."""

    profiles: Mapping[Key, Profile] = field(default_factory=dict)
    versions: Mapping[Key, int] = field(default_factory=dict)

    def after(self, command: Command) -> "Holding":
        """What is held once ``command`` is done."""
        if not isinstance(command, ChangeProfiles):
            return self
        gone = {(reference.kind, reference.id) for reference in command.withdraw}
        profiles = {key: profile for key, profile in self.profiles.items() if key not in gone}
        new = {(profile.KIND, profile.id): profile for profile in command.install}
        versions = {key: profile.version for key, profile in new.items()}
        return Holding({**profiles, **new}, {**self.versions, **versions})

    def after_all(self, commands: Iterable[Command]) -> "Holding":
        """What is held once all ``commands`` are done, in their order."""
        holding = self
        for command in commands:
            holding = holding.after(command)
        return holding


def holding(connection: sa.Connection, gateway: DeviceId) -> Holding:
    """What ``gateway`` holds by our confirmed orders."""
    rows = connection.execute(
        sa.select(installed).where(installed.c.gateway == gateway.text).order_by(installed.c.kind, installed.c.id)
    ).all()
    return Holding(
        {(row.kind, row.id): parse_profile(row.content) for row in rows if not row.withdrawn},
        {(row.kind, row.id): row.version for row in rows},
    )


def keep(connection: sa.Connection, gateway: DeviceId, command: Command, number: int) -> None:
    """Order ``number`` was done: note what it changed."""
    if not isinstance(command, ChangeProfiles):
        return
    for reference in command.withdraw:
        connection.execute(
            installed.update()
            .where(
                installed.c.gateway == gateway.text,
                installed.c.kind == reference.kind,
                installed.c.id == reference.id,
            )
            .values(withdrawn=True, order_number=number)
        )
    for profile in command.install:
        values = {
            "version": profile.version,
            "content": profile.to_bytes(),
            "withdrawn": False,
            "order_number": number,
        }
        connection.execute(
            insert(installed)
            .values(gateway=gateway.text, kind=profile.KIND, id=profile.id, **values)
            .on_conflict_do_update(index_elements=list(installed.primary_key.columns), set_=values)
        )
