"""An answer has one spelling and a tag over it."""

import gzip

from han_web.api.rendered import json_bytes
from tests.han_web.place import Place
from tests.smgw.han.house import IMPORT

PATH = f"/api/v1/series?register={IMPORT}&resolution=day&begin=2026-10-01T00:00:00Z&end=2026-10-20T00:00:00Z"


def test_a_document_is_compact() -> None:
    assert json_bytes({"a": [1, None], "b": "ü"}) == '{"a":[1,null],"b":"ü"}'.encode()


def test_what_a_program_has_it_is_not_given_again(place: Place) -> None:
    first = place.ask("house", PATH)
    tag = first.headers["ETag"]
    again = place.ask("house", PATH, headers={"If-None-Match": tag})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tag)
    assert first.headers["Cache-Control"] == "no-store"
    assert "Authorization" in first.headers["Vary"]


def test_figures_are_compressed_for_whoever_takes_that(place: Place) -> None:
    path = PATH.replace("resolution=day", "resolution=quarter-hour")
    plain = place.ask("house", path)
    short = place.ask("house", path, headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in plain.headers
    assert short.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(short.data) == plain.data
    assert len(short.data) * 3 < len(plain.data)
    assert short.headers["ETag"] == plain.headers["ETag"]
    assert place.ask("house", path, headers={"Accept-Encoding": "gzip;q=0"}).data == plain.data
