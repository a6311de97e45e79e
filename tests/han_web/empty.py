"""A page without a gateway behind it: for what is decided before anybody is let in."""

from datetime import UTC, datetime
from typing import Never, cast

from flask import Flask
from flask.testing import FlaskClient

from han_web.app import create_app
from smgw.han.port import Door, HanPort, LoginRefusedError, RefusedReason, Visitor

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOST = "https://gateway.local"


class ShutDoor:
    """Lets nobody in."""

    def session(self, secret: str, at: datetime, *, used: bool = True) -> None:
        return None

    def by_certificate(self, der: bytes, at: datetime) -> Visitor:
        raise LoginRefusedError(RefusedReason.WRONG)


def empty_app() -> Flask:
    port = HanPort("EZZZ0012345678", cast("Door", ShutDoor()), lambda: NOW, _nobody, _nobody, lambda _at: True)
    return create_app(port, bytes)


def empty_client() -> FlaskClient:
    return empty_app().test_client()


def _nobody(_visitor: Visitor) -> Never:
    raise AssertionError
