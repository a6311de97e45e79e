"""German for the words that stand in parameters of log entries: states, conditions, reasons (TR-03109-1, log texts).

Decides the words and nothing else; an entry itself keeps the word by which programs know it, and English texts show it
as it is. What does not stand here, such as an identification or what somebody else said, is told unchanged.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

TRANSLATED: Final = frozenset({"state", "condition", "failed", "reason", "kind", "what", "direction", "how"})
"""The parameters that hold a word out of an enumeration."""

GERMAN: Final[Mapping[str, str]] = MappingProxyType(
    {
        # Secure states and what they follow from.
        "normal": "Normalbetrieb",
        "measurement": "Messung",
        "connectivity": "Verbindung",
        "application": "Anwendung",
        "boot": "Start",
        "no-valid-time": "keine gültige Zeit",
        "clock-deviation": "Uhr weicht ab",
        "certificates-bad": "Zertifikate nicht gültig",
        "firewall-not-applied": "Firewall steht nicht",
        "security-module-failed": "Sicherheitsmodul gestört",
        "database-damaged": "Datenbank beschädigt",
        "log-chain-broken": "Log verändert",
        "disk-full": "Speicher voll",
        "calibration-log-full": "eichtechnisches Log voll",
        "program-altered": "Programm verändert",
        "update-failed": "Aktualisierung fehlgeschlagen",
        # What is tested.
        "database": "Datenbank",
        "security-module": "Sicherheitsmodul",
        "certificates": "Zertifikate",
        "free-space": "freier Speicher",
        "clock": "Uhr",
        "program": "Programm",
        "logs": "Logs",
        "firewall": "Firewall",
        "update": "Aktualisierung",
        "front": "vorgelagerter Server beendet",
        # Lines and meters.
        "open": "offen",
        "parity-in-software": "Parität per Programm geprüft",
        "unavailable": "nicht verfügbar",
        "lost": "verloren",
        "defect": "Fehler im Programm",
        "silent": "keine Antwort",
        "half-telegram": "Telegramm unvollständig",
        "block-check": "Prüfzeichen falsch",
        "parity": "Parität falsch",
        "protocol": "Protokoll verletzt",
        "echo": "Echo der eigenen Sendung",
        "meter-error": "Zähler meldet Fehler",
        "grammar": "Telegramm fehlerhaft",
        "answers-again": "antwortet wieder",
        # Readings.
        "unknown-meter": "Zähler unbekannt",
        "wrong-identity": "falscher Zähler",
        "meter-fatal": "Zähler meldet fatalen Fehler",
        "meter-clock": "Uhr des Zählers weicht ab",
        "missing-register": "Register fehlt",
        "ambiguous-register": "Register mehrdeutig",
        "malformed-value": "Wert nicht lesbar",
        "wrong-unit": "falsche Einheit",
        "time-backwards": "Zeit läuft rückwärts",
        "runs-backwards": "Zählerstand läuft rückwärts",
        "implausible-advance": "Vorschub nicht plausibel",
        "conflict": "anderer Wert ist schon gespeichert",
        "store": "Datenspeicher",
        # Why a party does not take a delivery.
        "too-large": "zu groß",
        "media-type": "Form unbekannt",
        "signer-certificate": "Zertifikat des Gateways gilt dort nicht",
        "seal-malformed": "Nachricht nicht lesbar",
        "seal-signature": "Signatur der Nachricht falsch",
        "unknown-signer": "Unterzeichner unbekannt",
        "not-for-us": "für jemand anderen",
        "decryption": "nicht zu entschlüsseln",
        "algorithm": "Verfahren nicht zugelassen",
        "content": "Inhalt nicht lesbar",
        "foreign-gateway": "von einem anderen Gateway",
        "pseudonym": "Pseudonym nicht zugelassen",
        "conflicting-delivery": "Nummer schon anders vergeben",
        "too-old": "zu alt",
        "conflicting-reading": "dort ist ein anderer Wert gespeichert",
        "withdrawn": "zurückgezogen",
        # The time.
        "refused": "abgewiesen",
        "not-an-answer": "keine Antwort auf die Frage",
        "slow": "Antwort zu langsam",
        "secure-state": "sicherer Zustand",
        "unreachable": "nicht erreichbar",
        "forward": "vor",
        "back": "zurück",
        # Profiles, and who reads.
        "meter": "Zähler",
        "evaluation": "Auswertung",
        "communication": "Kommunikation",
        "administrator": "Administrator",
        "proxy": "Proxy",
        "account": "Zugang",
        "consumer-log": "Letztverbraucher-Log",
        "not-his": "steht dieser Rolle nicht zu",
        "anothers": "Log eines anderen",
        # Who comes in.
        "password": "Passwort",
        "digest": "Digest",
        "outdated-digest-md5": "Digest mit MD5, veraltet",
        "wrong": "falsch",
        "not-open-to-older-clients": "nicht für ältere Programme freigeschaltet",
        "not-valid": "nicht gültig",
        # Logs.
        "altered": "verändert",
        "gap": "Lücke",
        "order": "Reihenfolge",
        "cut-start": "Anfang fehlt",
        "cut-tail": "Ende fehlt",
        "count": "Zählung",
        "checkpoint": "Sicherungspunkt",
        "signature": "Signatur",
        "certificate": "Zertifikat",
    }
)


def in_german(value: str | int) -> str | int:
    """The German word for ``value``, or for each word of a list that is separated by blanks."""
    if isinstance(value, int) or not value:
        return value
    words = value.split(" ")
    return ", ".join(GERMAN[word] for word in words) if all(word in GERMAN for word in words) else value
