from importlib.metadata import EntryPoint

import pytest

from smgw.han.settings import GROUP, NAME, ServingError, ServingReason, load_page


def test_what_is_installed_here_is_found_by_its_name() -> None:
    page = load_page(lambda: [EntryPoint(NAME, "han_web.serve:serve", GROUP)])
    assert (page.__module__, page.__name__) == ("han_web.serve", "serve")


@pytest.mark.parametrize("value", [None, "nothing_of_that_name:serve", "han_web.serve:nothing_of_that_name"])
def test_a_page_that_is_not_installed_is_told_with_what_to_do(value: str | None) -> None:
    found = [] if value is None else [EntryPoint(NAME, value, GROUP)]
    with pytest.raises(ServingError, match=r"pip install 'smart-meter-gateway\[han\]', or take \[han\] out") as refusal:
        load_page(lambda: found)
    assert refusal.value.reason is ServingReason.NOT_INSTALLED


def test_two_pages_are_none() -> None:
    entry = EntryPoint(NAME, "han_web.serve:serve", GROUP)
    with pytest.raises(ServingError):
        load_page(lambda: [entry, entry])
