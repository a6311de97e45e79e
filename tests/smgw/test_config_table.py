from pathlib import Path

import pytest

from smgw.config_table import MAX_TEXTS, ConfigurationError, Table


def test_a_table_knows_its_path_and_what_was_asked_for() -> None:
    table = Table("", {"page": {"names": ["a", "b"], "port": 1, "key": "k"}}, Path("/base"))
    page = table.table("page")
    assert page.texts("names") == ("a", "b")
    assert page.texts("others") == ()
    assert page.integer("port") == 1
    with pytest.raises(ConfigurationError, match=r"page\.key is unknown"):
        page.finish()
    assert page.path("key") == Path("/base/k")
    page.finish()
    table.finish()


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("a", "names is not a list of texts"),
        ([1], r"names\[0\] is not a text"),
        (["a", ""], r"names\[1\] is not a text, is empty"),
        (["a\n"], r"names\[0\]"),
        (["a"] * (MAX_TEXTS + 1), "names has more than 8 entries"),
    ],
)
def test_what_is_no_list_of_texts(value: object, sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        Table("", {"names": value}, Path()).texts("names")
