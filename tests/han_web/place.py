"""The whole application over the house: real store, real door, real signatures; passwords as in the letters."""

import hashlib
import random
from dataclasses import dataclass

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from han_web.app import create_app
from han_web.auth import SESSION_COOKIE
from han_web.security import form_token_of
from tests.smgw.han.house import PASSWORDS, House

BASE = "https://gateway.local"
CHALLENGE = "WWW-Authenticate"


@dataclass
class Place:
    """An application, and how to ask it things as a program does."""

    house: House
    app: Flask

    @property
    def client(self) -> FlaskClient:
        """A client without cookies."""
        return self.app.test_client(use_cookies=False)

    def session(self, name: str) -> dict[str, str]:
        """Headers of somebody who is logged in on the page, with the token of forms."""
        visitor = self.house.door.by_password(name, PASSWORDS[name], self.house.now)
        secret = self.house.door.open_session(visitor, self.house.now)
        return {"Cookie": f"{SESSION_COOKIE}={secret}", "X-Form-Token": form_token_of(secret)}

    def ask(self, name: str, path: str, method: str = "GET", **more: object) -> TestResponse:
        """Ask as a program that answers the challenge: the second answer."""
        asked = {"base_url": BASE, **more}
        first = self.client.open(path, method=method, **asked)  # type: ignore[arg-type] # of werkzeug
        assert first.status_code == 401
        answer = digest_answer(first.headers[CHALLENGE], name, PASSWORDS[name], method, path)
        headers = {**more.get("headers", {}), "Authorization": answer}  # type: ignore[dict-item]
        return self.client.open(path, method=method, **{**asked, "headers": headers})  # type: ignore[arg-type]


def digest_answer(  # noqa: PLR0917 - what an answer is made of
    challenge: str, name: str, password: str, method: str, target: str, algorithm: str = "SHA-256"
) -> str:
    """As httpx writes it (RFC 7616); by MD5 whatever the challenge names, as one client insists."""

    def _hash(text: str) -> str:
        return hashlib.new(algorithm.replace("-", ""), text.encode()).hexdigest()

    said = dict(part.strip().partition("=")[::2] for part in challenge.removeprefix("Digest ").split(","))
    realm, nonce = said["realm"].strip('"'), said["nonce"].strip('"')
    secret = _hash(f"{name}:{realm}:{password}")
    response = _hash(f"{secret}:{nonce}:00000001:c0ffee:auth:{_hash(f'{method}:{target}')}")
    return (
        f'Digest username="{name}", realm="{realm}", nonce="{nonce}", uri="{target}", response="{response}", '
        f'algorithm={algorithm}, qop=auth, nc=00000001, cnonce="c0ffee"'
    )


def furnished(house: House) -> Place:
    """The application over ``house``."""
    return Place(house, create_app(house.port, random.Random(8).randbytes))
