"""Every code that a page may meet has words."""

from collections.abc import Iterator

import pytest
from flask import Flask

from han_web.registers import (
    PTB_WORDS,
    REMARK_WORDS,
    Direction,
    feeds_in,
    ptb_word,
    register_name,
    short_code,
    status_words,
    total_register,
)
from smgw.han.remarks import REMARKS


@pytest.fixture(autouse=True, scope="module")
def spoken() -> Iterator[None]:
    with Flask("empty").test_request_context(headers={"Accept-Language": "en"}):
        yield


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("1-0:1.8.0*255", "Energy drawn"),
        ("1-0:2.8.2*255", "Energy fed in, tariff 2"),
        ("1-0:1.8.63*255", "Energy drawn, without a tariff"),
        ("1-0:16.7.0*255", "Power"),
        ("1-0:99.99.0*255", "99.99.0"),
        ("no code", "no code"),
    ],
)
def test_registers(code: str, name: str) -> None:
    assert register_name(code) == name


def test_short_codes() -> None:
    assert short_code("1-0:1.8.0*255") == "1.8.0"
    assert short_code("1-0:1.8.0*3") == "1.8.0*3"


def test_the_register_of_all_energy() -> None:
    registers = ["1-0:1.8.1*255", "1-0:2.8.0*255", "1-0:1.8.0*255", "1-0:1.7.0*255"]
    assert total_register(registers, Direction.DRAWN) == "1-0:1.8.0*255"
    assert total_register(registers, Direction.FED_IN) == "1-0:2.8.0*255"
    assert total_register(registers[:1], Direction.FED_IN) is None
    assert feeds_in("1-0:2.8.0*255")
    assert not feeds_in("1-0:2.7.0*255")


def test_every_remark_has_words() -> None:
    assert set(REMARK_WORDS) == REMARKS


def test_a_good_word_says_nothing_and_a_bad_one_says_what() -> None:
    """PTB-A 50.8, display: a status is shown in words, not as digits alone."""
    assert status_words(0x5_0000_0004) == []
    assert status_words(0x205_0000_0404) == ["The gateway had no valid time", "The meter's terminal cover was open"]
    assert [ptb_word(grade) for grade in range(5)] == list(PTB_WORDS)
