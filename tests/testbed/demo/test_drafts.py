"""The drafts of the demonstration are profiles, and together a set without contradictions."""

import tomllib
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from pki.certificates import Purpose, Role
from testbed.demo.drafts import drafts, number_of, toml
from testbed.demo.scene import Party
from testbed.demo.templates import DATACENTER
from testbed.small_pki import NOW, SmallPki
from wire.profiles import EvaluationProfile, MeterProfile, check_set, profile_from_mapping


def test_every_draft_of_the_demonstration_is_a_profile_and_they_fit(tmp_path: Path) -> None:
    plan = tomllib.loads(resources.files("testbed.demo").joinpath("demo.toml").read_text("utf-8"))
    pki = SmallPki()
    parties = []
    for entry in plan["parties"]:
        party = Party(entry["id"], entry["name"], tuple(entry["purposes"]), tmp_path / entry["id"])
        party.folder.mkdir()
        party.configuration.write_text(DATACENTER.format(name=party.name, port=4711))
        for purpose in (Purpose.TLS, Purpose.ENC):
            certificate = pki.holder(Role.EMT, purpose, entry["name"]).certificate
            (party.folder / f"{purpose}.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
        parties.append(party)
    made = dict(drafts(plan, parties, NOW))
    assert not any("version" in tomllib.loads(text) for text in made.values())
    profiles = [profile_from_mapping({"version": 1, **tomllib.loads(text)}) for text in made.values()]
    assert [profile.id for profile in profiles] == list(made)
    assert not check_set(profiles)
    meters = [profile for profile in profiles if isinstance(profile, MeterProfile)]
    assert [meter.protocol.fixed_speed for meter in meters] == [9600, 9600, None, 9600]
    assert {one.party for one in profiles if isinstance(one, EvaluationProfile)} == {"netz", "lieferant"}


def test_a_rule_is_written_on_one_line() -> None:
    rule = {"stages": {"1": "1-0:1.8.1"}, "days": {"all": {"00:00": 1}}, "week": ["all"] * 7}
    assert tomllib.loads(toml({"rule": rule})) == {"rule": rule}
    assert tomllib.loads(toml({"rule": {}})) == {"rule": {}}


def test_the_number_of_a_meter() -> None:
    assert number_of("1ISK0000471100") == "00471100"


@given(
    st.dictionaries(
        st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1),
        st.text(st.characters(min_codepoint=32, max_codepoint=126) | st.just("\n"))
        | st.integers(-(10**9), 10**9)
        | st.lists(st.integers(0, 9))
        | st.integers(0, 2**33).map(lambda second: datetime.fromtimestamp(second, UTC)),
    )
)
def test_what_is_written_is_read_again(table: dict[str, object]) -> None:
    assert tomllib.loads(toml(table)) == table
