"""Her log, newest first, with the check of its chain (FAU_SAR.1/CON)."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from han_web.pages import diary
from smgw.store.log_tables import TRIGGERS, log_entries
from tests.han_web.pages.caller import Browser, browser
from tests.smgw.han.house import House


def test_what_happened_and_that_nothing_was_altered(consumer: Browser, german: Browser) -> None:
    assert "nothing is missing from this log" in consumer.page("/data/log").text
    text = german.page("/data/log").text
    assert "In diesem Protokoll fehlt nichts" in text
    assert "Zähler 1ISK0000471100 antwortet wieder" in text
    assert text.index("antwortet wieder") > text.index("Lieferung 5")


def test_pages_go_back_in_time_without_a_gap(consumer: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diary, "PAGE", 3)
    newest = consumer.get("/data/log").text
    assert newest.count('<th scope="row">') == 3
    oldest = consumer.get("/data/log?upto=2").text
    assert oldest.count('<th scope="row">') >= 2
    assert "Newer" in oldest
    assert consumer.get("/data/log?upto=x").status_code == 400
    assert consumer.get("/data/log?upto=999999").status_code == 200


@pytest.fixture
def altered(tmp_path: Path) -> Iterator[House]:
    with closing(House(tmp_path)) as house:
        with house.database.write() as connection:
            for statement in TRIGGERS:
                connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {statement.split()[2]}")
            connection.execute(
                sa.update(log_entries)
                .where(log_entries.c.owner == "house", log_entries.c.record_number == 3)
                .values(subject="1ISK0000000000")
            )
        yield house


def test_a_log_that_was_altered_says_so_first(altered: House) -> None:
    text = browser(altered.port, "house").page("/data/log").text
    assert "This log was altered." in text
    assert "nothing is missing" not in text
