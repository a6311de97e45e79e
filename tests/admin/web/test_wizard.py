"""Drafts out of forms: what is written, under which name, and what the usual choice means."""

import tomllib
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from admin.web.choices import Choices, MeterChoice, PartyChoice
from admin.web.forms import Fault, Form
from admin.web.wizard import access, meter, party, toml
from pki.certificates import Purpose, Role
from testbed.small_pki import NOW
from tests.admin.web.desk import Place
from wire.profiles import (
    AccessPurpose,
    BillingPeriod,
    BillingUnit,
    CommunicationProfile,
    EvaluationProfile,
    MeterProfile,
    UseCase,
    profile_from_mapping,
)

PRINTABLE = st.text(st.characters(categories=("L", "M", "N", "P", "S"), include_characters=" "))
METER, OTHER = "1ISK0012345678", "1ISK0012345679"
END = NOW + timedelta(days=300)
OFFERED = Choices(
    {
        "netz": PartyChoice("netz", "Netz", (AccessPurpose.GRID_OPERATION,), "ab" * 32, END, ""),
        "all": PartyChoice("all", "All", tuple(AccessPurpose), "ef" * 32, END, ""),
        "strom": PartyChoice("strom", "Strom", (AccessPurpose.VALUE_ADDED,), "cd" * 32, END, "strom-draft"),
    },
    {
        METER: MeterChoice("meter", METER, ("1-0:1.8.0*255",), 900, 900, END, "meter-draft"),
        OTHER: MeterChoice("other", OTHER, ("1-0:1.8.0*255", "1-0:2.8.0*255"), 300, 600, END, ""),
    },
)
USUAL = {
    "use_case": "TAF-7",
    "party": "netz",
    "meters": OTHER,
    "registers": "1-0:1.8.0*255",
    "period": "15 min",
    "dispatch": "1 d",
    "billing_period": "1 month",
    "purpose": "usual",
    "begin": "2026-01-15",
    "end": "2026-12-31",
}


def form(**values: str) -> Form:
    return Form(MultiDict(USUAL | values))


def evaluation(made: Form) -> EvaluationProfile:
    written = access(made, OFFERED, NOW)
    assert made.faults == {}
    found = profile_from_mapping(tomllib.loads(written.text))
    assert isinstance(found, EvaluationProfile)
    assert found.id == written.name
    return found


def test_a_grid_operators_series() -> None:
    found = evaluation(form())
    assert (found.use_case, found.purpose, found.id) == (
        UseCase.TAF_7,
        AccessPurpose.GRID_OPERATION,
        "netz-series-12345679",
    )
    assert (found.period_seconds, found.dispatch_seconds) == (900, 86_400)
    assert found.recipient == "ab" * 32, "filled in from the party's certificate"
    assert (found.valid_from, f"{found.valid_until:%Y-%m-%d %H}") == (NOW, "2027-01-01 00")


def test_a_suppliers_sum_over_two_meters_needs_what_is_still_a_draft() -> None:
    values = MultiDict([*(USUAL | {"use_case": "TAF-1", "party": "strom", "meters": METER}).items(), ("meters", OTHER)])
    made = Form(values)
    written = access(made, OFFERED, NOW)
    assert written.needs == ("strom-draft", "meter-draft")
    found = evaluation(Form(values))
    assert (found.id, found.use_case) == ("strom-sum-house", UseCase.TAF_1)
    assert found.billing == BillingPeriod(1, BillingUnit.MONTH)
    assert (found.period_seconds, found.dispatch_seconds) == (1800, 86_400), "where both meters have a reading"
    assert found.purpose is AccessPurpose.VALUE_ADDED, "it may not be given values for billing"


@pytest.mark.parametrize(
    ("use_case", "purpose", "name", "period"),
    [
        ("TAF-6", AccessPurpose.BILLING, "all-daily-12345679", 86_400),
        ("TAF-9", AccessPurpose.GRID_OPERATION, "all-present-12345679", 300),
        ("TAF-10", AccessPurpose.GRID_OPERATION, "all-grid-12345679", 300),
        ("TAF-14", AccessPurpose.VALUE_ADDED, "all-stream-12345679", 300),
    ],
)
def test_use_cases_without_a_rule(use_case: str, purpose: AccessPurpose, name: str, period: int) -> None:
    found = evaluation(form(use_case=use_case, party="all", period="5 min"))
    assert (found.use_case, found.purpose, found.id) == (use_case, purpose, name)
    assert (found.period_seconds, found.dispatch_seconds, found.billing) == (period, 86_400, None)


def test_a_chosen_purpose_name_and_alias() -> None:
    found = evaluation(form(purpose="value-added", name="mine", pseudonym="EPSN0000000001"))
    assert (found.purpose, found.id, str(found.pseudonym)) == (AccessPurpose.VALUE_ADDED, "mine", "EPSN0000000001")


@pytest.mark.parametrize(
    ("field", "value", "fault"),
    [
        ("use_case", "TAF-2", Fault.CHOICE),
        ("party", "nobody", Fault.CHOICE),
        ("meters", "1ISK0000000000", Fault.CHOICE),
        ("registers", "1-0:9.9.9*255", Fault.CHOICE),
        ("period", "7 min", Fault.CHOICE),
        ("purpose", "fun", Fault.CHOICE),
        ("pseudonym", "EABC0012345678", Fault.PATTERN),
        ("end", "2026-01-14", Fault.ORDER),
    ],
)
def test_what_was_not_offered_is_not_written(field: str, value: str, fault: Fault) -> None:
    made = form(**{field: value})
    assert access(made, OFFERED, NOW).text == ""
    assert made.faults[field] is fault


def test_readings_are_not_sent_more_often_than_there_are_any() -> None:
    made = form(period="1 d", dispatch="15 min")
    access(made, OFFERED, NOW)
    assert made.faults == {"dispatch": Fault.ORDER}


def test_a_meter_from_its_identification_alone() -> None:
    values = {
        "meter": METER,
        "consumer": "house",
        "line": "rs485",
        "registers": "1-0:1.8.0*255",
        "interval": "15 min",
        "maximum_power_watts": "30000",
        "begin": "2026-01-15",
        "end": "2034-01-15",
    }
    made = Form(MultiDict(values))
    found = profile_from_mapping(tomllib.loads(meter(made, NOW).text))
    assert made.faults == {}
    assert isinstance(found, MeterProfile)
    assert (found.id, found.identity, found.manufacturer) == ("1isk0012345678", "12345678", "ISK")


@pytest.mark.token
def test_a_party_is_known_as_long_as_its_certificates(place: Place) -> None:
    tls, encryption = (place.bureau.pki.holder(Role.EMT, one).certificate for one in (Purpose.TLS, Purpose.ENC))
    values = {
        "party": "Stadtwerke Köln Netz",
        "host": "127.0.0.1",
        "port": "8443",
        "path": "/deliveries",
        "tls_certificate": tls.public_bytes(Encoding.PEM).decode(),
        "encryption_certificate": encryption.public_bytes(Encoding.PEM).decode(),
        "purposes": "grid-operation",
    }
    made = Form(MultiDict(values))
    found = profile_from_mapping(tomllib.loads(party(made, place.office, NOW).text))
    assert made.faults == {}
    assert isinstance(found, CommunicationProfile)
    assert (found.id, found.party) == ("stadtwerke-koeln-netz", "Stadtwerke Köln Netz")
    assert found.valid_until == min(tls.not_valid_after_utc, encryption.not_valid_after_utc)
    swapped = Form(
        MultiDict(
            values
            | {
                "tls_certificate": values["encryption_certificate"],
                "encryption_certificate": place.bureau.certificate.public_bytes(Encoding.PEM).decode(),
            }
        )
    )
    party(swapped, place.office, NOW)
    assert swapped.faults == {"tls_certificate": Fault.CERTIFICATE, "encryption_certificate": Fault.CERTIFICATE}
    empty = Form(MultiDict(values | {"tls_certificate": ""}))
    party(empty, place.office, NOW)
    assert empty.faults == {"tls_certificate": Fault.MISSING}


@given(PRINTABLE, st.integers(0, 10**9), st.lists(PRINTABLE))
def test_what_is_written_is_read_again(text: str, number: int, texts: list[str]) -> None:
    values = {"text": text, "number": number, "texts": texts, "at": NOW}
    assert text.isprintable()
    assert tomllib.loads(toml(values)) == values


def test_what_no_profile_holds_is_not_written() -> None:
    with pytest.raises(TypeError):
        toml({"x": 1.5})
