"""The service for the home area network as the gateway sees it: composed with the rest, begun last and ended first.

Decides what the page is handed: the door and what is behind it, the certificate with its key in the token, and a folder
of its own beside the store. Without ``[han]`` there is none. What serves is an optional part that the gateway loads and
never imports (``smgw/han/settings.py``); where it is configured and missing, the gateway does not start.
"""

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from pki.pin import read_pin
from pki.token import Token
from pki.token_tls import TokenAddress
from smgw.config import Configuration
from smgw.config_han import HTTPS, HanConfiguration
from smgw.gateway import Gateway
from smgw.han.certificate import HanCertificate, grouped_fingerprint, pem_of
from smgw.han.credentials import Credentials
from smgw.han.door import HanDoor
from smgw.han.port import HanPort
from smgw.han.settings import HanIdentity, HanSettings, RunningPage, Serve, load_page
from smgw.han.status import Facts
from smgw.han.views import make_port
from smgw.self_test import SelfTest
from smgw.store.database import Database
from smgw.store.errors import StoreError
from smgw.store.logs import Event, Outcome, SystemLog
from wire.canonical_json import JsonObject, JsonValue

_logger = logging.getLogger(__name__)
FOLDER: Final = "han"
"""Beside the store's files."""


@dataclass(frozen=True, slots=True)
class ServiceParts:
    """What the service is composed of."""

    configuration: Configuration
    token: Token
    database: Database
    log: SystemLog
    gateway: Gateway
    self_test: SelfTest
    facts: Facts
    clock: Callable[[], datetime]
    monotonic: Callable[[], float]
    random: Callable[[int], bytes]


class HanService:
    """Begins and ends what is served; made by :func:`compose_service`."""

    def __init__(self, serve: Serve, port: HanPort, settings: HanSettings) -> None:
        """Nothing is opened yet."""
        self._serve = serve
        self._port = port
        self._settings = settings
        self._running: RunningPage | None = None

    def start(self) -> None:
        """Begin. Raises ServingError, TokenError."""
        self._running = self._serve(self._port, self._settings)
        _logger.info("the page is at %s", ", ".join(addresses_of(self._settings.page)))

    def stop(self) -> None:
        """End, in order."""
        running, self._running = self._running, None
        if running is not None:
            running.stop()

    def report(self) -> JsonObject:
        """Where it is and how it proves itself: what stands in the letter to a consumer."""
        running = self._running
        addresses: list[JsonValue] = list(addresses_of(self._settings.page))
        return {
            "addresses": addresses,
            "serving": running is not None and running.serving(),
            "sha256": "" if running is None else running.fingerprint(),
        }


def compose_service(parts: ServiceParts) -> HanService | None:
    """The service, or None where none is configured. Raises ServingError NOT_INSTALLED."""
    page = parts.configuration.han
    if page is None:
        return None
    serve = load_page()
    door = HanDoor(
        gateway=parts.configuration.gateway.text,
        profiles=lambda: parts.gateway.profiles,
        credentials=Credentials(parts.database),
        database=parts.database,
        random=parts.random,
        monotonic=parts.monotonic,
    )
    port = make_port(
        door=door,
        clock=parts.clock,
        database=parts.database,
        gateway=parts.gateway,
        log=parts.log,
        self_test=parts.self_test,
        facts=parts.facts,
    )
    settings = HanSettings(
        page=page,
        folder=parts.configuration.store / FOLDER,
        pin=lambda: read_pin(parts.configuration.token.pin_file),
        identity=_identity(parts, page),
        changed=_recorder(parts),
    )
    return HanService(serve, port, settings)


def addresses_of(page: HanConfiguration) -> list[str]:
    """What is typed into a browser; a scope means something only on this machine and is left out."""
    plain = [str(address).partition("%")[0] for address in page.addresses]
    hosts = [f"[{host}]" if ":" in host else host for host in plain]
    port = "" if page.port == HTTPS else f":{page.port}"
    return [f"https://{host}{port}/" for host in (*page.host_names, *hosts)]


def describe_page(told: Mapping[str, Any] | None) -> list[str]:
    """What the status says of it, a line each."""
    if told is None:
        return []
    state = "served" if told["serving"] else "NOT SERVED"
    return [
        f"page for consumers {state}: {', '.join(told['addresses'])}",
        f"its certificate (SHA-256): {told['sha256']}",
    ]


def _identity(parts: ServiceParts, page: HanConfiguration) -> Callable[[], HanIdentity]:
    configuration = parts.configuration
    certificates = HanCertificate(
        configuration.gateway,
        page,
        parts.token,
        configuration.trust.certificates,
        random=parts.random,
        sync=os.sync,
    )
    softhsm: Path | None = configuration.token.configuration
    environment = {} if softhsm is None else {"SOFTHSM2_CONF": str(softhsm)}

    def identity() -> HanIdentity:
        at = parts.clock()
        certificate, label = certificates.look(at, trusted=parts.facts.states.clock.valid(at))
        address = TokenAddress(configuration.token.module, configuration.token.label, environment, label)
        return HanIdentity(pem_of(certificate), grouped_fingerprint(certificate), address)

    return identity


def _recorder(parts: ServiceParts) -> Callable[[str], None]:
    def changed(reason: str) -> None:
        outcome = Outcome.FAILURE if reason else Outcome.SUCCESS
        told = {"reason": reason} if reason else {}
        try:
            parts.log.record_for(
                Event.PAGE_SERVED, parts.configuration.gateway.text, outcome, at=parts.clock(), parameters=told
            )
        except StoreError as error:
            _logger.warning("system log: %s", error)

    return changed
