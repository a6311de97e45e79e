from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from pki import cms
from pki.certificates import Purpose
from pki.errors import TokenError, TokenReason
from smgw.han.port import HanError, HanReason
from smgw.han.shown import Resolution
from tests.smgw.han.house import IMPORT, NOW, House


def test_the_port_is_that_of_the_gateway(house: House) -> None:
    assert house.port.gateway == house.identity.gateway.text
    assert house.port.clock() == NOW
    assert house.port.door is house.door
    assert house.port.serving(NOW)


def test_a_document_is_signed_by_the_gateway(house: House) -> None:
    signer = house.identity.certificates[Purpose.SIG]
    assert cms.open_document(house.port.sign(b"hers"), signers=[signer]).content == b"hers"


def test_a_token_that_is_gone_is_no_crash(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object, **__: object) -> bytes:
        raise TokenError(TokenReason.LOST, "the token does not answer")

    monkeypatch.setattr("smgw.han.views.sign_document", gone)
    with pytest.raises(HanError) as caught:
        house.port.sign(b"hers")
    assert caught.value.reason is HanReason.NOT_NOW


def test_many_look_at_once(house: House) -> None:
    """Each request has its thread: twenty people see what one sees."""
    begin = NOW - timedelta(days=300)

    def look(who: str) -> tuple[object, ...]:
        view, register = house.view(who), str(IMPORT)
        return (view.now(NOW), view.series("", register, Resolution.DAY, begin, NOW), view.meters(NOW))

    people = ["house", "flat", "attic", "house"] * 5
    alone = {who: look(who) for who in set(people)}
    with ThreadPoolExecutor(len(people)) as pool:
        assert list(pool.map(look, people)) == [alone[who] for who in people]
