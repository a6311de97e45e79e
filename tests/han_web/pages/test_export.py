"""Her data as files."""

import pytest

from proof import download
from smgw.han.port import ExportForm
from tests.han_web.pages.caller import Browser, browser
from tests.smgw.han.house import House

PATH = "/data/export/file?first=2026-10-27&last=2026-10-28&form="

LONG = ("first=2026-10-27", "first=2026-09-01")
"""A tariff is of a whole billing period."""


@pytest.mark.parametrize("form", list(ExportForm))
def test_every_form_is_a_file(consumer: Browser, form: ExportForm) -> None:
    contract = "house-stages" if form is ExportForm.TARIFF else "house-series"
    answer = consumer.get(f"{PATH}{form.value}&contract={contract}".replace(*LONG))
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    assert len(answer.data) > 1000
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("question", "status"),
    [
        ("form=pdf&first=2026-10-27&last=2026-10-28", 400),
        ("form=csv&first=2026-10-28&last=2026-10-27", 422),
        ("form=csv&first=x&last=2026-10-27", 400),
        ("form=csv", 400),
        ("form=xml&first=2026-10-27&last=2026-10-28&contract=flat-series", 404),
        ("form=xml&first=2026-10-27&last=2026-10-28&contract=nothing", 404),
    ],
)
def test_what_is_no_file(consumer: Browser, question: str, status: int) -> None:
    assert consumer.get(f"/data/export/file?{question}").status_code == status


def test_a_time_without_readings_is_told_where_another_can_be_chosen(consumer: Browser) -> None:
    """An empty answer says why it is empty, in the same words whether a contract is somebody else's or nobody's."""
    question = "/data/export/file?form=xml&first=2020-01-01&last=2020-01-02&contract="
    own, others, nobodys = (consumer.get(question + one) for one in ("house-series", "flat-series", "nothing-at-all"))
    assert [one.status_code for one in (own, others, nobodys)] == [404, 404, 404]
    assert "There is nothing to put into that file." in own.text
    assert 'value="2020-01-01"' in own.text
    assert '<option value="house-series" selected>' in own.text
    assert others.text == nobodys.text.replace("nothing-at-all", "flat-series")


def test_one_file_holds_nothing_of_another_consumer(house: House) -> None:
    """FDP_ACF.1."""
    text = browser(house.port, "flat").get(f"{PATH}csv").text
    assert "1ISK000047110" in text
    assert "1ISK0000471100" not in text


def test_the_page_that_checks_proofs_is_handed_out_and_not_shown(consumer: Browser) -> None:
    answer = consumer.get("/data/export/verify.html")
    assert answer.headers["Content-Disposition"] == "attachment; filename=verify.html"
    assert answer.data == download.page()
    assert "/data/export/verify.html" in consumer.get("/data/export").text
