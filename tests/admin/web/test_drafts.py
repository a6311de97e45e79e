"""Pages of drafts: from a form to an order, and every contradiction before it."""

import io
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from admin.inventory import LifeCycle
from admin.life_cycle import OrderState
from pki.certificates import Purpose, Role
from tests.admin import samples
from tests.admin.bureau import BY, GATEWAY
from tests.admin.web.desk import Place, words
from wire.orders import ChangeProfiles

pytestmark = pytest.mark.token

ACCESS = {
    "gateway": GATEWAY.text,
    "use_case": "TAF-7",
    "party": "netz",
    "meters": "1ISK0012345678",
    "registers": "1-0:1.8.0*255",
    "period": "15 min",
    "dispatch": "1 d",
    "billing_period": "1 month",
    "purpose": "usual",
    "begin": "2026-01-15",
    "end": "2026-10-31",
}
METER = {
    "gateway": GATEWAY.text,
    "meter": "1ISK0012345678",
    "line": "rs485",
    "registers": "1-0:1.8.0*255",
    "interval": "15 min",
    "consumer": "house",
    "maximum_power_watts": "30000",
    "begin": "2026-01-15",
    "end": "2034-01-15",
}


def installed(place: Place, number: int) -> list[str]:
    command = place.office.orders.get(number).command
    assert isinstance(command, ChangeProfiles)
    return [f"{one.KIND} {one.id}" for one in command.install]


def test_a_whole_house_by_forms_alone(place: Place) -> None:
    person = place.person()
    pki = place.bureau.pki
    files = {
        f"{name}_certificate_file": (
            io.BytesIO(pki.holder(Role.EMT, purpose).certificate.public_bytes(Encoding.PEM)),
            f"{name}.pem",
        )
        for name, purpose in (("tls", Purpose.TLS), ("encryption", Purpose.ENC))
    }
    party = {"party": "Netz", "host": "127.0.0.1", "port": "8443", "path": "/deliveries", "purposes": "grid-operation"}
    assert person.post("/drafts/party", {**party, **files}).headers["Location"] == "/drafts"
    assert person.post("/drafts/meter", {**METER, "gateway": ""}).headers["Location"] == "/drafts"
    found = person.post("/drafts/access", ACCESS)
    assert found.status_code == 303, words(found)
    preview = words(person.get(found.headers["Location"]))
    assert "Netz gets one reading per quarter-hour of meter 1ISK0012345678" in preview
    assert "Checked: this fits to everything that the gateway has." in preview
    issued = person.post(
        "/issue", {"gateway": GATEWAY.text, "draft": ["netz", "1isk0012345678", "netz-series-12345678"]}
    )
    assert issued.headers["Location"] == "/orders/1"
    assert installed(place, 1) == ["communication netz", "meter 1isk0012345678", "evaluation netz-series-12345678"]
    assert place.office.orders.get(1).by == "otto"


def test_the_same_access_again_is_its_next_version(place: Place) -> None:
    place.house()
    person = place.person()
    for expected in ("", "replaces version 1"):
        location = person.post("/drafts/access", ACCESS).headers["Location"]
        assert expected in words(person.get(location))
        number = int(person.post("/issue", _sent(location)).headers["Location"].rsplit("/")[-1])
        place.confirm(number)
    assert {one.version for one in place.office.orders.holding(GATEWAY).profiles.values()} == {1, 2}


def _sent(location: str) -> dict[str, object]:
    assert location == f"/issue?gateway={GATEWAY}&draft=netz-series-12345678"
    return {"gateway": GATEWAY.text, "draft": ["netz-series-12345678"]}


def test_faults_are_told_all_at_once_and_what_was_entered_stays(place: Place) -> None:
    place.house()
    found = place.person().post("/drafts/access", {**ACCESS, "party": "", "end": "2025-01-01", "pseudonym": "x"})
    assert found.status_code == 422
    shown = words(found)
    assert "This is needed." in shown
    assert "lies before the beginning" in shown
    assert 'value="2025-01-01"' in found.text
    assert 'aria-invalid="true"' in found.text
    assert place.office.drafts.all() == []


def test_what_the_domain_refuses_is_told_on_the_page(place: Place) -> None:
    found = place.person().post("/drafts/meter", {**METER, "maximum_power_watts": "0"})
    assert (found.status_code, "too small or too large" in words(found)) == (422, True)
    long = "1" * 33
    found = place.person().post("/drafts/text", {"name": "x", "text": samples.METER.replace("12345678", long)})
    assert (found.status_code, "x is not a profile" in words(found)) == (422, True)
    assert "identity" in found.text, "the text stays"


def test_a_contradiction_is_told_in_words_and_nothing_is_sent(place: Place) -> None:
    place.office.drafts.save("series", samples.SERIES, BY, place.now)
    person = place.person()
    page = person.get(f"/issue?gateway={GATEWAY}&draft=series")
    shown = words(page)
    assert "the gateway does not know the party netz; issue that party too" in shown
    assert "the gateway does not read the meter 1ISK0012345678; issue that meter too" in shown
    assert "Issue now" not in shown
    sent = person.post("/issue", {"gateway": GATEWAY.text, "draft": ["series"]})
    assert (sent.status_code, "contradict" in words(sent)) == (422, True)
    assert place.office.orders.all() == []


def test_an_access_that_ends_with_its_party_says_so(place: Place) -> None:
    place.house()
    person = place.person()
    location = person.post("/drafts/access", {**ACCESS, "end": "2027-01-15"}).headers["Location"]
    assert "It ends earlier, at the end of 2026-11-11" in words(person.get(location))


def test_a_gateway_that_may_be_told_nothing(place: Place) -> None:
    place.house()
    person = place.person()
    location = person.post("/drafts/access", ACCESS).headers["Location"]
    place.office.inventory.change(GATEWAY, LifeCycle.LOCKED, BY, place.now)
    assert "it is not woken and gets no orders" in words(person.get(location))
    assert person.post("/issue", _sent(location)).status_code == 422
    assert len(place.office.orders.all()) == 1


def test_texts_are_kept_shown_and_forgotten(place: Place) -> None:
    person = place.person()
    assert person.post("/drafts/text", {"name": "netz", "text": samples.NETZ.replace("\n", "\r\n")}).status_code == 303
    assert place.office.drafts.get("netz").text.strip() == samples.NETZ.strip()
    assert "Netz is reached at 127.0.0.1:8443/deliveries" in words(person.get("/drafts"))
    assert "tls_certificate" in person.get("/drafts/text?name=netz").text
    assert person.get("/drafts/text?name=nothing").status_code == 409
    assert person.post("/drafts/delete/netz").status_code == 303
    assert person.post("/drafts/delete/netz").status_code == 409
    assert place.actions()[-2:] == ["draft-saved", "draft-deleted"]


@pytest.mark.parametrize("path", ["/drafts/access", "/issue", "/issue?draft=x"])
def test_first_of_all_a_gateway_is_chosen(place: Place, path: str) -> None:
    shown = words(place.person().get(path))
    assert f"For which gateway? Gateway {GATEWAY}" in shown
    assert place.person().post(path.split("?", maxsplit=1)[0]).status_code == 422


def test_a_draft_that_is_not_there(place: Place) -> None:
    found = place.person().get(f"/issue?gateway={GATEWAY}&draft=nothing")
    assert (found.status_code, "there is no draft" in words(found)) == (422, True)


def test_issuing_wakes_the_gateway(place: Place) -> None:
    place.house()
    person = place.person()
    location = person.post("/drafts/access", ACCESS).headers["Location"]
    person.post("/issue", _sent(location))
    errand = place.console.errands.of(GATEWAY)
    assert errand is not None
    assert errand.by == "otto"
    place.console.errands.stop()
    assert place.office.orders.get(2).state in {OrderState.QUEUED, OrderState.WOKEN}
    place.clock.shift = timedelta(seconds=1)
    assert "netz" in words(person.get("/orders/2"))
