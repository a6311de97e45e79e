"""What a person can choose from."""

import pytest

from admin.web.choices import choices, lines
from tests.admin import samples
from tests.admin.bureau import BY, GATEWAY
from tests.admin.web.desk import Place
from wire.profiles import AccessPurpose

pytestmark = pytest.mark.token


def test_nothing_is_there_at_first(place: Place) -> None:
    found = choices(place.office, GATEWAY)
    assert (found.parties, found.meters, found.registers, found.only) == ({}, {}, [], [])


def test_drafts_can_be_chosen_and_what_the_gateway_has_comes_first(place: Place) -> None:
    place.office.drafts.save("meter-draft", samples.METER, BY, place.now)
    place.give(samples.NETZ)
    place.office.drafts.save("netz-again", samples.NETZ, BY, place.now)
    found = choices(place.office, GATEWAY)
    assert {one.id: one.draft for one in found.parties.values()} == {"netz": ""}
    assert {one.meter: one.draft for one in found.meters.values()} == {"1ISK0012345678": "meter-draft"}
    assert [one.id for one in found.only] == ["netz", "meter"]
    netz = found.parties["netz"]
    assert netz.recipient == samples.COMMUNICATION.encryption_fingerprint
    assert netz.purposes == (AccessPurpose.GRID_OPERATION,)
    assert found.registers == ["1-0:1.8.0*255"]


def test_what_is_on_its_way_counts_as_there(place: Place) -> None:
    place.office.drafts.save("meter", samples.METER, BY, place.now)
    place.office.drafts.issue_together(("meter",), GATEWAY, BY, place.now)
    assert choices(place.office, GATEWAY).meters["1ISK0012345678"].draft == ""
    assert lines(place.office.orders.expected(GATEWAY).profiles.values()) == ["rs485"]
