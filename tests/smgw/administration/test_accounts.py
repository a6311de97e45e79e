"""From the administrator's command line to the gateway's door: the password on paper opens it, and nothing else."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from admin.certificates import read_folder
from admin.inventory import GatewayRecord
from admin.life_cycle import LifeCycle
from admin.office import Office
from admin.session import Environment
from pki import cms
from smgw.composed import Composed
from smgw.han.credentials import Credentials
from smgw.han.door import HanDoor
from smgw.han.port import LoginRefusedError
from tests.admin.bureau import BY, Bureau, FakeTime
from tests.admin.commands.desk import Desk
from tests.smgw.composing import composed, copied
from tests.smgw.office import LINE, House
from tests.smgw.premises import Premises, now, pem
from wire import management
from wire.http_server import Request
from wire.orders import ChangeProfiles, Order, ProfileReference, Reply, ReplyOutcome
from wire.profiles import AccountRole
from wire.reading import DeviceId

pytestmark = pytest.mark.token


class Dice(Desk):
    """A desk at which two passwords differ."""

    drawn = Random(7)

    def environment(self) -> Environment:
        return replace(super().environment(), random=self.drawn.randbytes)


@dataclass
class Town:
    """An administrator at its command line, and a gateway whose keys lie in its token."""

    premises: Premises
    gateway: Composed
    bureau: Bureau
    desk: Desk

    @property
    def name(self) -> DeviceId:
        return self.premises.configuration.gateway

    @property
    def credentials(self) -> Credentials:
        return Credentials(self.gateway.report.orders._database)

    @property
    def door(self) -> HanDoor:
        return HanDoor(
            gateway=self.name.text,
            profiles=lambda: self.gateway.gateway.profiles,
            credentials=self.credentials,
            database=self.credentials._database,
            random=Random(1).randbytes,
            monotonic=lambda: 0.0,
        )

    def sign(self, order: Order) -> bytes:
        """By the key that the gateway pins."""
        signer = self.premises.administrator
        return cms.sign_document(order.to_bytes(), signer=signer.certificate, key=signer.key)

    def carry_out(self, office: Office) -> Reply:
        """What the tunnel does with the oldest open order."""
        (record,) = office.orders.open(self.name)
        document = office.orders.sign_next(record.number, self.sign, now())
        office.orders.delivered(record.number, now())
        request = Request("POST", management.ORDERS, (), document)
        answer = self.gateway.management._ports.desk.handle(request, now())
        reply = Reply.from_bytes(answer.body)
        office.orders.confirmed(record.number, reply, now())
        return reply

    def ordered(self, *command: str) -> tuple[dict[str, Any], Reply]:
        """Type a command and carry its order out."""
        told = self.desk.lines("accounts", *command, "--no-wait")[0]
        with self.bureau.open() as office:
            return told, self.carry_out(office)

    def certificate(self) -> tuple[str, str]:
        """Options that pin somebody's certificate."""
        file = self.bureau.folder / "client.pem"
        file.write_bytes(pem(self.premises.peer.certificate))
        return "--certificate", str(file)

    def listed(self) -> dict[str, str]:
        """The state of each account by its name."""
        return {row["name"]: row["state"] for row in self.desk.lines("accounts", "list", self.name.text)}

    def change(self, change: ChangeProfiles) -> None:
        with self.bureau.open() as office:
            office.orders.queue(self.name, change, BY, now())
            assert self.carry_out(office).outcome is ReplyOutcome.DONE

    def lets_in(self, name: str, password: str) -> bool:
        with suppress(LoginRefusedError):
            return self.door.by_password(name, password, now()).name == name
        return False


@pytest.fixture(scope="module")
def town(built: Premises, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    premises = copied(built, tmp_path_factory.mktemp("town") / "copy")
    line = f'[[lines]]\nname = "{LINE}"\nport = "/nowhere"\nspeed = 9600\nframing = "7E1"\n'
    premises.write_configuration(lines=line)
    bureau = Bureau(tmp_path_factory.mktemp("bureau"), premises.pki, now=now())
    with composed(premises) as gateway:
        town = Town(premises, gateway, bureau, Dice(bureau, FakeTime(now())))
        certificates = read_folder(premises.folder / "certificates")
        with bureau.office() as office:
            office.inventory.add(GatewayRecord(town.name, LifeCycle.OPERATING, certificates=certificates), BY, now())
            meter = House(premises.pki, now()).meter
            office.orders.queue(town.name, ChangeProfiles((meter,), ()), BY, now())
            assert town.carry_out(office).outcome is ReplyOutcome.DONE
        yield town
    bureau.close()


def test_the_password_on_paper_opens_the_door(town: Town) -> None:
    """PP-0073 FIA_ATD.1, FIA_UAU.5: sealed for the key in the token, opened there, and known to nobody between."""
    told, reply = town.ordered("new", town.name.text, "house", "--consumer", "house")
    account = told["account"]
    assert (reply.outcome, reply.result) == (ReplyOutcome.DONE, {"installed": [account], "withdrawn": []})
    visitor = town.door.by_password("house", told["password"], now())
    assert (visitor.account, visitor.reader.identity) == (account, "house")
    assert not town.lets_in("house", told["password"].replace("-", ""))
    assert town.listed()["house"] == "confirmed"


def test_reset_and_withdrawn(town: Town) -> None:
    """FMT_SMR.1, FDP_RIP.2: a technician's password holds until another one is ordered, and goes with the account."""
    first, reply = town.ordered("new", town.name.text, "service", "--technician")
    assert reply.outcome is ReplyOutcome.DONE
    assert town.lets_in("service", first["password"])
    account = town.gateway.gateway.profiles.accounts[first["account"]]
    assert (account.role, account.consumer) == (AccountRole.TECHNICIAN, None)
    own = bytes(32)
    town.credentials.change(account, own, now())
    assert not town.lets_in("service", first["password"])
    second, reply = town.ordered("reset", town.name.text, "service", "--until", f"{now() + timedelta(days=2):%Y-%m-%d}")
    assert reply.outcome is ReplyOutcome.DONE
    assert town.lets_in("service", second["password"])
    _, reply = town.ordered("withdraw", town.name.text, "service")
    assert reply.result == {"installed": [], "withdrawn": [first["account"]]}
    assert not town.lets_in("service", second["password"])
    assert town.credentials.verifier(account) is None


def test_a_gateway_that_has_other_keys_refuses_and_says_what_to_do(town: Town) -> None:
    """Nothing is stored of an account whose password this gateway cannot open."""
    before, listed = town.gateway.gateway.profiles, town.listed()
    own = read_folder(town.premises.folder / "certificates")
    with town.bureau.open() as office:
        office.inventory.set_certificates(town.name, town.bureau.triple(town.name), seal=False, by=BY, at=now())
    try:
        _, reply = town.ordered("new", town.name.text, "other", "--consumer", "house")
    finally:
        with town.bureau.open() as office:
            office.inventory.set_certificates(town.name, own, seal=False, by=BY, at=now())
    assert (reply.outcome, reply.reason) == (ReplyOutcome.REFUSED, "verifier")
    assert "seal its verifier for the ENC certificate in use" in reply.sentence
    assert town.gateway.gateway.profiles is before
    assert town.listed() == listed


def test_her_door_is_shut_from_the_first_moment_of_the_end_of_her_contract(town: Town) -> None:
    """FDP_RIP.2: her account holds no more, in the store and in the gateway that runs."""
    hers = replace(House(town.premises.pki, now()).second_meter, consumer="anna")
    town.change(ChangeProfiles((hers,), ()))
    told, _ = town.ordered("new", town.name.text, "second", "--consumer", "anna", "--no-password", *town.certificate())
    town.change(ChangeProfiles((), (ProfileReference("meter", hers.id),)))
    assert told["account"] in town.gateway.gateway.profiles.accounts
    contracts = town.gateway.report.retention._contracts
    contracts.sweep(now(), now(), {}, lambda: True)  # stopped after the first rows
    assert told["account"] not in town.gateway.gateway.profiles.accounts
    assert contracts.sweep(now(), now(), {}, lambda: False)
