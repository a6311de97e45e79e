"""A gateway's store with the handler of changes of profiles over it."""

from typing import Any

from pki.errors import TunnelError, TunnelReason
from smgw.profile_change import ProfileChange
from smgw.store.database import Database
from smgw.store.orders import OrderStore
from smgw.store.profiles import ProfileSet, ProfileStore
from testbed.small_pki import NOW, SmallPki
from tests.smgw.han.accounts import identity_of
from tests.smgw.office import LINE
from wire.orders import ChangeProfiles, ProfileReference
from wire.profiles import Profile


class Site:
    """A gateway's store with the handler over it."""

    def __init__(self, database: Database, pki: SmallPki) -> None:
        self.database = database
        self.trust = pki.trust()
        self.identity = identity_of(pki)
        self.store = ProfileStore(database)
        self.applied: list[ProfileSet] = []
        self.tried: list[Profile] = []
        self.nobody_there = False
        self.handler = ProfileChange(
            self.store,
            lambda: self.trust,
            lines=[LINE],
            identity=lambda: self.identity,
            reachable=self.try_out,
            exchange=lambda change: change(),
            apply=self.applied.append,
            addresses_only=True,
        )

    def try_out(self, profile: Profile) -> None:
        self.tried.append(profile)
        if self.nobody_there:
            raise TunnelError(TunnelReason.UNREACHABLE, "nobody listens")

    def change(self, *install: Profile, withdraw: tuple[Profile, ...] = ()) -> Any:
        return self.order(ChangeProfiles(install, tuple(ProfileReference(one.KIND, one.id) for one in withdraw)))

    def order(self, command: ChangeProfiles) -> Any:
        """As the desk does: the number of an order is taken before it is carried out."""
        orders = OrderStore(self.database)
        sequence = orders.last() + 1
        orders.take(sequence, b"%032d" % sequence, repeatable=False, at=NOW)
        return self.handler(command, NOW)
