"""The letter with which somebody gets access to the home area network's page: what to type, and what to compare.

Decides the words, in German and English, and that a letter is the only place where a password stands in clear: on paper
or in a file that its writer alone may read. Whatever a gateway told stands in it without control characters.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final, TextIO

from admin.errors import AccountError, AccountReason
from admin.reports import StatusReport
from wire.profiles import AccountProfile, AccountRole

_FINGERPRINT: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_ADDRESS: Final = 200
"""Characters of an address that somebody could type."""
_ADDRESSES: Final = 4
"""Of a page that are told: a name, and an address in each family."""
_PAIRS: Final = 16
"""Pairs of hexadecimal digits in a line, as browsers show a fingerprint."""


class Language(StrEnum):
    """In which language a letter is written."""

    GERMAN = "de"
    ENGLISH = "en"


@dataclass(frozen=True, slots=True)
class Access:
    """What a letter tells; ``password`` is None where a certificate opens alone, the rest empty where nobody told it.

    ``page`` is the SHA-256 of the certificate that the page shows.
    """

    gateway: str
    account: AccountProfile
    password: str | None
    addresses: tuple[str, ...] = ()
    page: str = ""


def letter(access: Access, language: Language) -> str:
    """The letter, ending with a line break."""
    lines = _german(access) if language is Language.GERMAN else _english(access)
    return "".join(f"{_printable(line)}\n" for line in lines)


@contextmanager
def written(file: Path) -> Iterator[TextIO]:
    """A new file that its owner alone may read; it is gone again where what happens within fails.

    Raises AccountError(LETTER) where there is one already, or it cannot be written.
    """
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError as error:
        sentence = f"{file} exists; no letter is written over another: choose another name"
        raise AccountError(AccountReason.LETTER, sentence) from error
    except OSError as error:
        sentence = f"{file} cannot be written: {error.strerror}; nothing was queued"
        raise AccountError(AccountReason.LETTER, sentence) from error
    try:
        with open(descriptor, "w", encoding="utf-8") as stream:  # noqa: PTH123 - of a descriptor
            yield stream
            stream.flush()
            os.fsync(descriptor)
    except OSError as error:
        _remove(file)
        sentence = f"{file} cannot be written: {error.strerror}; give the account another password (accounts reset)"
        raise AccountError(AccountReason.LETTER, sentence) from error
    except BaseException:
        _remove(file)
        raise


def page_of(report: StatusReport | None) -> tuple[tuple[str, ...], str]:
    """Where a gateway said that its page is, and the fingerprint of the page's certificate; empty where it did not."""
    told = None if report is None else report.document.get("han")
    if not isinstance(told, dict):
        return (), ""
    listed, page = told.get("addresses"), told.get("sha256")
    addresses = [one[:_ADDRESS] for one in listed if isinstance(one, str)] if isinstance(listed, list) else []
    plain = page.replace(":", "").lower() if isinstance(page, str) else ""
    known = _FINGERPRINT.fullmatch(plain)
    return tuple(addresses[:_ADDRESSES]), plain if known else ""


def _remove(file: Path) -> None:
    with suppress(OSError):
        file.unlink()


def _german(access: Access) -> Iterator[str]:
    account = access.account
    yield f"Ihr Zugang zum Smart-Meter-Gateway {access.gateway}"
    yield ""
    if account.role is AccountRole.CONSUMER:
        yield "Im Netz Ihres Hauses zeigt Ihnen das Gateway Ihre Messwerte, Ihre Verträge und wem"
        yield "es was gesendet hat. Ihre Daten verlassen dafür das Haus nicht."
    else:
        yield "Als Service-Techniker lesen Sie vor Ort das Systemlog und den Zustand des Gateways."
    yield ""
    for place, address in enumerate(access.addresses or ("https://… wie auf dem Gerät angegeben",)):
        yield f"  {'oder' if place else 'Adresse':<14} {address}"
    yield f"  Benutzername   {account.name}"
    if access.password is not None:
        yield f"  Passwort       {access.password}"
        yield ""
        yield "Geben Sie das Passwort mit den Bindestrichen und in Kleinbuchstaben ein. Die Ziffern 0"
        yield "und 1 und die Buchstaben l und o kommen darin nicht vor."
        if account.role is AccountRole.CONSUMER:
            yield "Geben Sie sich auf der Seite ein eigenes, und vernichten Sie danach diesen Brief."
    if account.md5:
        yield ""
        yield "Auf Ihren Wunsch nimmt dieser Zugang von Programmen, die unter /smgw/m2m abfragen, auch ein"
        yield "veraltetes Anmeldeverfahren an (HTTP Digest mit MD5). Sagen Sie uns, wenn Sie es nicht mehr"
        yield "brauchen: Dann schließen wir es wieder."
    if account.fingerprints:
        yield ""
        yield "Ohne Passwort öffnet sich die Seite mit Ihrem Zertifikat. Fingerabdruck (SHA-256):"
        yield from _fingerprints(account.fingerprints)
    yield ""
    yield "Beim ersten Besuch warnt der Browser, denn das Zertifikat der Seite hat das Gateway selbst"
    yield "ausgestellt. Vergleichen Sie den Fingerabdruck (SHA-256), den der Browser zeigt, bevor Sie"
    if access.page:
        yield "ihm vertrauen, mit diesem:"
        yield from _fingerprints((access.page,))
    else:
        yield "ihm vertrauen, mit dem, den wir Ihnen auf Nachfrage nennen."
    yield ""
    yield f"Der Zugang gilt bis {(account.valid_until - timedelta(seconds=1)):%d.%m.%Y}."
    yield "Haben Sie Passwort oder Zertifikat verloren, rufen Sie uns an."


def _english(access: Access) -> Iterator[str]:
    account = access.account
    yield f"Your access to the smart meter gateway {access.gateway}"
    yield ""
    if account.role is AccountRole.CONSUMER:
        yield "In the network of your home the gateway shows you your readings, your contracts, and what"
        yield "it sent to whom. For that your data do not leave the house."
    else:
        yield "As a service technician you read the system log and the state of the gateway on the spot."
    yield ""
    for place, address in enumerate(access.addresses or ("https://… as it stands on the device",)):
        yield f"  {'or' if place else 'Address':<11} {address}"
    yield f"  User name   {account.name}"
    if access.password is not None:
        yield f"  Password    {access.password}"
        yield ""
        yield "Type the password with its hyphens and in small letters. The digits 0 and 1 and the"
        yield "letters l and o do not occur in it."
        if account.role is AccountRole.CONSUMER:
            yield "Give yourself one of your own on the page, and destroy this letter then."
    if account.md5:
        yield ""
        yield "On your wish this access takes an outdated log-in procedure (HTTP Digest with MD5) from"
        yield "programs that ask below /smgw/m2m. Tell us when you no longer need it: then we close it."
    if account.fingerprints:
        yield ""
        yield "Without a password the page opens with your certificate. Fingerprint (SHA-256):"
        yield from _fingerprints(account.fingerprints)
    yield ""
    yield "At your first visit the browser warns you, because the gateway issued the page's certificate"
    yield "itself. Compare the fingerprint (SHA-256) that the browser shows, before you trust it,"
    if access.page:
        yield "with this one:"
        yield from _fingerprints((access.page,))
    else:
        yield "with the one that we tell you if you ask us."
    yield ""
    yield f"The access ends with {(account.valid_until - timedelta(seconds=1)):%Y-%m-%d}."
    yield "If you lost the password or the certificate, call us."


def _fingerprints(fingerprints: tuple[str, ...]) -> Iterator[str]:
    for fingerprint in fingerprints:
        pairs = [fingerprint[place : place + 2].upper() for place in range(0, len(fingerprint), 2)]
        yield ""
        for place in range(0, len(pairs), _PAIRS):
            yield f"  {':'.join(pairs[place : place + _PAIRS])}"


def _printable(line: str) -> str:
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in line)
