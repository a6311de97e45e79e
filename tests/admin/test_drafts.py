"""Drafts: whatever is a profile may be saved, and only what fits to the gateway is issued."""

from collections.abc import Callable

import pytest

from admin.drafts import MAXIMUM_CHARACTERS, parse_draft
from admin.errors import DraftError, DraftReason, InventoryError
from admin.inventory import LifeCycle
from admin.office import Office
from tests.admin.bureau import BY, GATEWAY, NOW, OTHER, Bureau
from tests.admin.samples import COMMUNICATION, METER, NETZ, SERIES
from wire.orders import ChangeProfiles, Reply, ReplyOutcome
from wire.profiles import FindingReason

pytestmark = pytest.mark.token


@pytest.fixture
def drafted(office: Office) -> Office:
    for name, text in (("netz", NETZ), ("meter", METER), ("series", SERIES)):
        office.drafts.save(name, text, BY, NOW)
    return office


def confirm(office: Office, number: int) -> None:
    office.orders.sign_next(number, office.sign_order, NOW)
    office.orders.delivered(number, NOW)
    office.orders.confirmed(number, Reply(office.orders.get(number).sequence or 0, ReplyOutcome.DONE), NOW)


def versions(office: Office, number: int) -> list[tuple[str, int]]:
    command = office.orders.get(number).command
    assert isinstance(command, ChangeProfiles)
    return [(profile.id, profile.version) for profile in command.install]


def test_a_draft_is_kept_as_it_was_written(drafted: Office) -> None:
    assert drafted.drafts.get("netz").text == NETZ
    assert drafted.drafts.profile("netz") == COMMUNICATION
    assert [draft.name for draft in drafted.drafts.all()] == ["meter", "netz", "series"]
    drafted.drafts.save("netz", NETZ.replace("8443", "9443"), "berta", NOW)
    assert (drafted.drafts.get("netz").by, len(drafted.drafts.all())) == ("berta", 3)
    drafted.drafts.delete("netz", BY, NOW)
    assert refused(lambda: drafted.drafts.get("netz")) is DraftReason.UNKNOWN
    assert refused(lambda: drafted.drafts.delete("netz", BY, NOW)) is DraftReason.UNKNOWN


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("netz", "kind ="),
        ("netz", 'kind = "tariff"'),
        ("netz", NETZ + "surprise = 1\n"),
        ("netz", NETZ + "version = 0\n"),
        ("netz", "#" * (MAXIMUM_CHARACTERS + 1)),
        ("netz", "a = " + "[" * 5000),
        ("../netz", NETZ),
        ("", NETZ),
        ("x" * 65, NETZ),
    ],
)
def test_what_is_no_profile_is_not_kept(office: Office, name: str, text: str) -> None:
    assert refused(lambda: office.drafts.save(name, text, BY, NOW)) is DraftReason.MALFORMED
    assert office.drafts.all() == []


def test_a_house_is_issued_at_once(drafted: Office) -> None:
    number = drafted.drafts.issue_together(("series", "netz", "meter"), GATEWAY, BY, NOW)
    assert versions(drafted, number) == [("netz-series", 1), ("netz", 1), ("meter", 1)]


def test_or_one_after_the_other(drafted: Office) -> None:
    """What waits in earlier orders counts as held: nobody waits for a tunnel in between."""
    for name in ("netz", "meter", "series"):
        drafted.drafts.issue_together((name,), GATEWAY, BY, NOW)
    assert len(drafted.orders.open(GATEWAY)) == 3


@pytest.mark.parametrize("names", [("series",), ("series", "netz"), ("series", "meter")])
def test_a_contradiction_is_told_before_anything_is_queued(drafted: Office, names: tuple[str, ...]) -> None:
    with pytest.raises(DraftError, match=r"nothing was queued.*unknown (party|meter)") as caught:
        drafted.drafts.issue_together(names, GATEWAY, BY, NOW)
    assert caught.value.reason is DraftReason.INCONSISTENT
    assert refused(lambda: drafted.drafts.check(names, GATEWAY)) is DraftReason.INCONSISTENT
    assert drafted.orders.all() == []


def test_an_order_that_failed_does_not_count(drafted: Office) -> None:
    number = drafted.drafts.issue_together(("netz", "meter"), GATEWAY, BY, NOW)
    drafted.orders.cancel(number, BY, NOW)
    assert refused(lambda: drafted.drafts.issue_together(("series",), GATEWAY, BY, NOW)) is DraftReason.INCONSISTENT


def test_a_draft_without_a_version_gets_the_next_one(drafted: Office) -> None:
    confirm(drafted, drafted.drafts.issue_together(("netz",), GATEWAY, BY, NOW))
    assert versions(drafted, drafted.drafts.issue_together(("netz",), GATEWAY, BY, NOW)) == [("netz", 2)]
    assert versions(drafted, drafted.drafts.issue_together(("netz",), GATEWAY, BY, NOW)) == [("netz", 3)]


def test_a_version_does_not_go_back(drafted: Office) -> None:
    drafted.drafts.save("netz", NETZ + "version = 3\n", BY, NOW)
    confirm(drafted, drafted.drafts.issue_together(("netz",), GATEWAY, BY, NOW))
    with pytest.raises(DraftError, match="write version = 4, or leave the version out") as caught:
        drafted.drafts.issue_together(("netz",), GATEWAY, BY, NOW)
    assert caught.value.reason is DraftReason.VERSION
    confirm(drafted, drafted.drafts.withdraw([("communication", "netz")], GATEWAY, BY, NOW))
    assert refused(lambda: drafted.drafts.issue_together(("netz",), GATEWAY, BY, NOW)) is DraftReason.VERSION


def test_the_same_profile_twice_in_one_order(drafted: Office) -> None:
    drafted.drafts.save("netz-2", NETZ, BY, NOW)
    assert refused(lambda: drafted.drafts.issue_together(("netz", "netz-2"), GATEWAY, BY, NOW)) is DraftReason.MALFORMED


def test_checking_queues_nothing(drafted: Office) -> None:
    assert [profile.id for profile in drafted.drafts.check(("netz",), GATEWAY)] == ["netz"]
    assert drafted.orders.all() == []


def test_a_preview_tells_every_contradiction_and_queues_nothing(drafted: Office) -> None:
    preview = drafted.drafts.preview(("series",), GATEWAY)
    assert [(profile.id, profile.version) for profile in preview.profiles] == [("netz-series", 1)]
    assert [one.reason for one in preview.findings] == [FindingReason.UNKNOWN_PARTY, FindingReason.UNKNOWN_METER]
    assert drafted.drafts.preview(("netz", "meter", "series"), GATEWAY).findings == ()
    assert drafted.orders.all() == []
    assert refused(lambda: drafted.drafts.preview(("nothing",), GATEWAY)) is DraftReason.UNKNOWN


def test_what_another_profile_needs_is_not_withdrawn(drafted: Office) -> None:
    confirm(drafted, drafted.drafts.issue_together(("netz", "meter", "series"), GATEWAY, BY, NOW))
    party, series = ("communication", "netz"), ("evaluation", "netz-series")
    assert refused(lambda: drafted.drafts.withdraw([party], GATEWAY, BY, NOW)) is DraftReason.INCONSISTENT
    confirm(drafted, drafted.drafts.withdraw([party, series], GATEWAY, BY, NOW))
    assert list(drafted.orders.holding(GATEWAY).profiles) == [("meter", "meter")]


def test_what_is_not_held_is_not_withdrawn(drafted: Office) -> None:
    for key in (("communication", "netz"), ("no-kind", "x")):
        assert refused(lambda: drafted.drafts.withdraw([key], GATEWAY, BY, NOW)) is DraftReason.NOT_INSTALLED  # noqa: B023
    assert refused(lambda: drafted.drafts.withdraw([], GATEWAY, BY, NOW)) is DraftReason.MALFORMED


def test_only_who_may_be_reached_is_issued_anything(drafted: Office, bureau: Bureau) -> None:
    with pytest.raises(InventoryError):
        drafted.drafts.issue_together(("netz",), OTHER, BY, NOW)
    drafted.inventory.change(GATEWAY, LifeCycle.LOCKED, BY, NOW)
    with pytest.raises(InventoryError):
        drafted.drafts.issue_together(("netz",), GATEWAY, BY, NOW)
    assert refused(lambda: drafted.drafts.issue_together(("other",), GATEWAY, BY, NOW)) is DraftReason.UNKNOWN


def refused(action: Callable[[], object]) -> DraftReason:
    with pytest.raises(DraftError) as caught:
        action()
    return caught.value.reason


def test_tables_are_issued_until_they_hold(office: Office) -> None:
    tables = {name: parse_draft(name, text) for name, text in (("netz", NETZ), ("meter", METER), ("series", SERIES))}
    assert office.drafts.check_tables(tables, GATEWAY)
    number = office.drafts.issue_tables(tables, GATEWAY, BY, NOW)
    assert number is not None
    assert len(versions(office, number)) == 3
    # What will hold is not issued again, and what holds is not either.
    assert not office.drafts.check_tables(tables, GATEWAY)
    assert office.drafts.issue_tables(tables, GATEWAY, BY, NOW) is None
    confirm(office, number)
    assert office.drafts.issue_tables(tables, GATEWAY, BY, NOW) is None
    # Only what is another one now goes out, as the next version.
    tables["meter"]["maximum_power_watts"] = 20_000
    changed = office.drafts.issue_tables(tables, GATEWAY, BY, NOW)
    assert changed is not None
    assert versions(office, changed) == [("meter", 2)]


def test_tables_that_contradict_what_holds_are_refused(office: Office) -> None:
    table = parse_draft("series", SERIES)
    assert refused(lambda: office.drafts.check_tables({"series": table}, GATEWAY)) is DraftReason.INCONSISTENT
    assert refused(lambda: office.drafts.issue_tables({"series": table}, GATEWAY, BY, NOW)) is DraftReason.INCONSISTENT
    assert office.orders.open(GATEWAY) == []
