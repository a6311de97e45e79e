"""The port of one gateway: what whoever serves the home area network is handed, put together from the gateway's parts.

Decides who knows whom, and nothing about data.
"""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Protocol

from pki.certificates import Purpose
from pki.cms import sign_document
from pki.errors import TrustError
from smgw.gateway import Gateway
from smgw.han.consumer import ConsumerPage, Parts
from smgw.han.consumer_log import ConsumerLogs
from smgw.han.export import Exports
from smgw.han.port import Door, HanError, HanPort, HanReason, Visitor
from smgw.han.status import Facts
from smgw.han.technician import TechnicianPage
from smgw.secure_states import Duty
from smgw.self_test import SelfTest
from smgw.store.database import Database
from smgw.store.logs import SystemLog


class OwnDoor(Door, Protocol):
    """A door at which people also change their passwords (``smgw/han/door.py``)."""

    def change_password(self, visitor: Visitor, old: str, new: str, at: datetime) -> None:
        """Raises HanError BAD_QUESTION."""


def make_port(
    *,
    door: OwnDoor,
    clock: Callable[[], datetime],
    database: Database,
    gateway: Gateway,
    log: SystemLog,
    self_test: SelfTest,
    facts: Facts,
) -> HanPort:
    """What is behind the door of one gateway.

    ``door`` says who comes in; ``clock`` is the gateway's; ``database`` holds everything that is shown, ``gateway``
    what is newest and never stored, and the profiles that hold; ``log`` takes what is to be recorded; ``self_test`` is
    the one that the administrator has too; ``facts`` say how the gateway is (``smgw/han/status.py``).
    """
    logs = ConsumerLogs(database, log)
    parts = Parts(
        clock=clock,
        database=database,
        gateway=gateway,
        logs=logs,
        self_test=self_test,
        facts=facts,
        change_password=door.change_password,
        export=Exports(database, logs, facts),
    )
    return HanPort(
        gateway=facts.gateway.text,
        door=door,
        clock=clock,
        consumer=partial(ConsumerPage, parts),
        technician=partial(TechnicianPage, database, log, facts.status),
        serving=facts.states.allows(Duty.SERVE_CONSUMER),
        sign=partial(_signed, facts),
        wrong=facts.wrong,
    )


def _signed(facts: Facts, content: bytes) -> bytes:
    """``content`` signed by the gateway's signature key, as CMS. Raises HanError NOT_NOW."""
    identity = facts.identity()
    certificate, key = identity.certificates[Purpose.SIG].certificate, identity.keys[Purpose.SIG]
    try:
        return sign_document(content, signer=certificate, key=key)
    except TrustError as error:
        raise HanError(HanReason.NOT_NOW, "the security module signs nothing at the moment") from error
