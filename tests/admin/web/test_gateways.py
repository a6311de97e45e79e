"""Pages of gateways."""

import io
from base64 import b64encode

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from admin.inventory import LifeCycle
from admin.reports import Subject
from admin.users import UserRole
from pki.certificates import Purpose, Role
from tests.admin import samples
from tests.admin.bureau import BY, GATEWAY, OTHER
from tests.admin.web.desk import Place, words
from wire.canonical_json import JsonObject

pytestmark = pytest.mark.token

SEALED = b"\x30\x40" + bytes(range(64))


def test_the_inventory(place: Place) -> None:
    person = place.person(UserRole.VIEWER)
    shown = words(person.get("/"))
    assert f"{GATEWAY} operating never" in shown
    assert "No server of ours waits for gateways" in shown
    number = place.office.tunnels.opened(GATEWAY, place.now)
    assert "tunnel open" in words(person.get("/"))
    place.office.tunnels.closed(number, "idle", place.now)
    assert "2026-01-15 12:00:00" in words(person.get("/"))
    assert str(GATEWAY) in words(person.get("/?state=operating"))
    assert "No gateways here" in words(person.get("/?state=locked"))
    assert str(GATEWAY) in words(person.get("/?state=nonsense"))


def test_one_gateway_with_all_that_is_known(place: Place) -> None:
    place.house()
    place.office.reports.keep_status(GATEWAY, {"version": "0.1.0", "owed": {"deliveries": 3}}, place.now)
    shown = words(place.person(UserRole.VIEWER).get(f"/gateways/{GATEWAY}"))
    assert "Netz is reached at 127.0.0.1:8443/deliveries" in shown
    assert "Meter 1ISK0012345678 on the line rs485 of the consumer house is read every quarter-hour" in shown
    assert 'owed {"deliveries": 3}' in shown
    assert "1 profiles confirmed" in shown


def test_accounts_in_words_and_without_their_secrets(place: Place) -> None:
    """PP-0073 FMT_SMR.1: whose account it is, as whom and by which proof; sealed or not, no verifier is shown."""
    account = f"""
kind = "account"
id = "account-1"
name = "home"
role = "consumer"
consumer = "house"
fingerprints = ["{"ab" * 32}", "{"cd" * 32}"]
verifier = "{b64encode(SEALED).decode()}"
{samples.VALIDITY}"""
    service = f"""
kind = "account"
id = "account-2"
name = "service"
role = "technician"
fingerprints = "{"ef" * 32}"
{samples.VALIDITY}"""
    place.give(samples.METER, account, service)
    later = account.replace("home", "flat").replace("verifier", "md5 = true\nverifier")
    place.office.drafts.save("later", later, BY, place.now)
    person = place.person(UserRole.OPERATOR)
    page = person.get(f"/gateways/{GATEWAY}")
    hers = "the consumer house sees her own data under the user name home, with a password or one of 2 client"
    assert f"At the gateway itself {hers} certificates, from" in words(page)
    shown = "a service technician reads the system log under the user name service, with a client certificate, from"
    assert shown in words(page)
    order = person.get("/orders/1")
    assert hers in words(order)
    drafts = person.get("/drafts")
    assert "under the user name flat" in words(drafts)
    # FIA_UAU.5: whoever orders it sees that a procedure is outdated.
    older = "Older clients: her programs may also log in by HTTP Digest with MD5, an outdated procedure."
    assert (older in words(drafts), older in words(page)) == (True, False)
    for told in (page, order, drafts):
        assert b64encode(SEALED).decode()[:20] not in told.text
        assert "abab" not in told.text


def test_whoever_only_looks_sees_no_button(place: Place) -> None:
    place.house()
    path = f"/gateways/{GATEWAY}"
    assert place.person(UserRole.VIEWER).get(path).text.count("<button") == 1, "log out"
    operator, boss = (words(place.person(role).get(path)) for role in (UserRole.OPERATOR, UserRole.SUPERVISOR))
    assert ("Renew keys" in operator, "Renew keys" in boss) == (False, True)
    assert ("Make it retired" in operator, "Make it retired" in boss) == (False, True)
    assert "Withdraw" in operator


def test_a_log_page_by_page(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("admin.web.gateways.ENTRIES", 2)
    entries: list[JsonObject] = [
        {"record_number": one, "event": f"event-{one}", "outcome": "<b>"} for one in range(1, 6)
    ]
    place.office.reports.keep_entries(GATEWAY, Subject.SYSTEM_LOG, entries, place.now)
    person = place.person(UserRole.VIEWER)
    seen = []
    path = f"/gateways/{GATEWAY}/logs/system"
    while path:
        text = person.get(path).text
        assert "&lt;b&gt;" in text
        seen.append([one for one in range(1, 6) if f"event-{one}" in text])
        older = text.split("?before=")[1].split('"')[0] if "?before=" in text else ""
        path = f"/gateways/{GATEWAY}/logs/system?before={older}" if older else ""
    assert seen == [[4, 5], [2, 3], [1]]
    assert "No entries" in words(person.get(f"/gateways/{GATEWAY}/logs/calibration"))


def test_a_log_in_german_and_in_english(place: Place) -> None:
    entry: JsonObject = {
        "record_number": 1,
        "event": "e",
        "user": "administrator",
        "text": {"de": "Uhr", "en": "Clock"},
    }
    place.office.reports.keep_entries(GATEWAY, Subject.SYSTEM_LOG, [entry], place.now)
    person, path = place.person(UserRole.VIEWER), f"/gateways/{GATEWAY}/logs/system"
    assert "Clock" in person.get(path).text
    german = person.get(f"{path}?lang=de").text
    assert '<td lang="de">Uhr</td>' in german
    assert "Texts in English" in german


def test_a_gateway_is_entered_with_its_certificates(place: Place) -> None:
    person = place.person()
    files = {
        f"certificate_{purpose}_file": (
            io.BytesIO(place.bureau.pki.holder(Role.SMGW, purpose, OTHER.text).certificate.public_bytes(Encoding.PEM)),
            "x.pem",
        )
        for purpose in Purpose
    }
    data = {"gateway": OTHER.text, "host": "192.0.2.9", "port": "4059", "state": "installed", "note": ""}
    assert person.post("/gateways/new", {**data, **files}).headers["Location"] == f"/gateways/{OTHER}"
    record = place.office.inventory.get(OTHER)
    assert (record.state, record.wake_host, set(record.certificates)) == (
        LifeCycle.INSTALLED,
        "192.0.2.9",
        set(Purpose),
    )


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"gateway": "x"}, "This is no identification"),
        ({"gateway": GATEWAY.text}, "is in the inventory already"),
        ({"port": "70000"}, "too small or too large"),
        ({"host": "a b"}, "neither an address nor a host name"),
        ({"state": "retired"}, "one of those that are offered"),
        ({"certificate_TLS": "x"}, "This certificate is not believed"),
    ],
)
def test_what_is_not_entered(place: Place, change: dict[str, str], told: str) -> None:
    data = {"gateway": OTHER.text, "host": "192.0.2.9", "port": "4059", "state": "delivered"} | change
    found = place.person().post("/gateways/new", dict(data))
    assert (found.status_code, told in words(found)) == (422, True)
    assert len(place.office.inventory.all()) == 1


def test_a_certificate_of_another_is_not_entered(place: Place) -> None:
    own = place.bureau.pki.holder(Role.SMGW, Purpose.TLS, OTHER.text).certificate.public_bytes(Encoding.PEM).decode()
    data = {"gateway": OTHER.text, "host": "192.0.2.9", "port": "4059", "state": "delivered", "certificate_TLS": own}
    found = place.person().post("/gateways/new", dict(data))
    assert (found.status_code, "needs all three certificates" in words(found)) == (422, True)


def test_a_gateway_that_is_not_in_the_inventory(place: Place) -> None:
    found = place.person().get(f"/gateways/{OTHER}")
    assert (found.status_code, "not in the inventory" in words(found)) == (409, True)
