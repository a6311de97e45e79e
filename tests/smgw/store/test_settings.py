from pathlib import Path

from smgw.store.settings import Setting, Settings
from tests.smgw.store.samples import START, open_database


def test_what_was_set_is_there_after_a_restart(tmp_path: Path) -> None:
    database = open_database(tmp_path)
    settings = Settings(database)
    assert settings.get(Setting.READINGS_DAYS) is None
    settings.set_retention(100, 30, START)
    settings.set_retention(200, 60, START)
    database.close()
    again = open_database(tmp_path, create=False)
    assert Settings(again).get(Setting.READINGS_DAYS) == 200
    assert Settings(again).get(Setting.SYSTEM_LOG_DAYS) == 60
    assert Settings(again).get(Setting.RETENTION_SET_AT) == int(START.timestamp())
    again.close()
