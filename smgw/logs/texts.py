"""What each event is called in German and in English (TR-03109-1, log texts: template and parameters).

Decides the words and how parameters come into them; never what is recorded. A part in square brackets is left out where
one of its parameters was not told, or is empty; nothing that a parameter holds is read as a template.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from smgw.logs.words import TRANSLATED, in_german
from smgw.store.events import Event, Outcome
from smgw.store.log_entry import Entry


class Language(StrEnum):
    """In which language a log is read."""

    GERMAN = "de"
    ENGLISH = "en"


@dataclass(frozen=True, slots=True)
class Text:
    """What one event is called, where it came out well and where it did not."""

    german: str
    english: str
    german_failure: str = ""
    english_failure: str = ""

    def template(self, language: Language, outcome: Outcome) -> str:
        """The template; one text stands for both outcomes where there is only one."""
        good, bad = (
            (self.german, self.german_failure) if language is Language.GERMAN else (self.english, self.english_failure)
        )
        return bad or good if outcome is Outcome.FAILURE or not good else good


TEXTS: Final[Mapping[Event, Text]] = MappingProxyType(
    {
        Event.GATEWAY_STARTED: Text(
            "Gateway {subject} gestartet",
            "Gateway {subject} started",
            "{subject}: Betrieb mit Abweichung[: {deviation}]",
            "{subject}: runs with a deviation[: {deviation}]",
        ),
        Event.GATEWAY_STOPPED: Text("Gateway {subject} beendet", "Gateway {subject} stopped"),
        Event.STORE_FAILED: Text(
            "",
            "",
            "{subject}: nicht gespeichert ({reason}[, {cause}])",
            "{subject}: not stored ({reason}[, {cause}])",
        ),
        Event.SELF_TEST: Text(
            "Selbsttest von {subject} bestanden",
            "Self-test of {subject} passed",
            "Selbsttest von {subject} nicht bestanden: {failed}",
            "Self-test of {subject} failed: {failed}",
        ),
        Event.SECURE_STATE: Text(
            "Sicherer Zustand verlassen, jetzt: {state}[ ({condition})]",
            "Secure state left, now: {state}[ ({condition})]",
            "Sicherer Zustand {state}[ ({condition})]",
            "Secure state {state}[ ({condition})]",
        ),
        Event.CALIBRATION_LOG_FILLING: Text(
            "",
            "",
            "Das eichtechnische Log ist zu {percent} % voll",
            "The calibration log is {percent} % full",
        ),
        Event.CALIBRATION_LOG_FULL: Text(
            "",
            "",
            "Das eichtechnische Log ist voll ({capacity} Einträge): Messbetrieb eingestellt",
            "The calibration log is full ({capacity} entries): metering has stopped",
        ),
        Event.LOG_ALTERED: Text(
            "", "", "Ein Log von {subject} ist verändert: {reason}", "A log of {subject} was altered: {reason}"
        ),
        Event.CERTIFICATE_EXPIRING: Text(
            "",
            "",
            "{purpose} von {subject} läuft ab am {valid_until}",
            "{purpose} of {subject} ends at {valid_until}",
        ),
        Event.FIREWALL_APPLIED: Text(
            "Regeln der Firewall gesetzt ({cause}): {destinations} Ziele im WAN",
            "Rules of the firewall applied ({cause}): {destinations} destinations in the WAN",
            "Regeln der Firewall stehen nicht ({cause}): {reason}",
            "Rules of the firewall do not stand ({cause}): {reason}",
        ),
        Event.PAGE_SERVED: Text(
            "Seite im Heimnetz wird angeboten",
            "Page in the home network is served",
            "Seite im Heimnetz wird nicht angeboten: {reason}",
            "Page in the home network is not served: {reason}",
        ),
        Event.LINE_STATE: Text(
            "Leitung {subject}: {state}",
            "Line {subject}: {state}",
            "Leitung {subject}: {state}[ ({kind})]",
            "Line {subject}: {state}[ ({kind})]",
        ),
        Event.METER_STATE: Text(
            "Zähler {subject} antwortet wieder",
            "Meter {subject} answers again",
            "Zähler {subject} wurde nicht abgelesen: {reason}",
            "Meter {subject} was not read: {reason}",
        ),
        Event.TELEGRAM_REFUSED: Text(
            "", "", "Telegramm von {subject} abgelehnt: {reason}", "Telegram of {subject} refused: {reason}"
        ),
        Event.READING_REFUSED: Text(
            "",
            "",
            "Messwert von {subject}[ ({register})] abgelehnt: {reason}",
            "Reading of {subject}[ ({register})] refused: {reason}",
        ),
        Event.DELIVERY_ACKNOWLEDGED: Text(
            "{subject}: an {party} gesendet[, Werte: {values}, von {period_begin} bis {period_end}]",
            "{subject}: sent to {party}[, values: {values}, from {period_begin} to {period_end}]",
        ),
        Event.DELIVERY_DEFERRED: Text(
            "", "", "{subject}: Versand an {party} verschoben: {reason}", "{subject}: to {party} deferred: {reason}"
        ),
        Event.DELIVERY_SET_ASIDE: Text(
            "",
            "",
            "{subject}: Lieferung {sequence} an {party} nicht zugestellt: {reason}",
            "{subject}: delivery {sequence} to {party} set aside: {reason}",
        ),
        Event.ACCESS_REFUSED: Text(
            "", "", "{subject}: Zugriff verweigert: {reason}", "{subject}: access refused: {reason}"
        ),
        Event.CONSUMER_ACCESS: Text(
            "Zugriff von {user} auf {what}",
            "{user} read {what}",
            "Zugriff von {user} auf {what} verweigert[: {reason}]",
            "{user} was refused {what}[: {reason}]",
        ),
        Event.CONSUMER_LOGIN: Text(
            "Anmeldung von {subject} ({how})",
            "{subject} logged in ({how})",
            "Anmeldung von {subject} abgewiesen ({how}: {reason})[, gesperrt bis {until}]",
            "Login of {subject} refused ({how}: {reason})[, locked until {until}]",
        ),
        Event.TECHNICIAN_LOGIN: Text(
            "Anmeldung des Technikers {subject} ({how})",
            "Technician {subject} logged in ({how})",
            "Anmeldung des Technikers {subject} abgewiesen ({how}: {reason})[, gesperrt bis {until}]",
            "Login of technician {subject} refused ({how}: {reason})[, locked until {until}]",
        ),
        Event.LOGIN_REFUSED: Text(
            "",
            "",
            "Anmeldung mit unbekanntem Namen oder Zertifikat abgewiesen",
            "Login by an unknown name or certificate refused",
        ),
        Event.PASSWORD_CHANGED: Text("Passwort von {subject} geändert", "Password of {subject} changed"),
        Event.PROFILE_IMPORTED: Text(
            "Profil {subject} ({kind}), Version {version}, eingelesen",
            "Profile {subject} ({kind}), version {version}, imported",
        ),
        Event.PROFILE_REFUSED: Text(
            "", "", "Profil {subject} abgelehnt: {reason}", "Profile {subject} refused: {reason}"
        ),
        Event.PROFILE_INSTALLED: Text(
            "Profil {subject} ({kind}), Version {version}, eingespielt",
            "Profile {subject} ({kind}), version {version}, installed",
        ),
        Event.PROFILE_WITHDRAWN: Text(
            "Profil {subject} ({kind}), Version {version}, zurückgezogen",
            "Profile {subject} ({kind}), version {version}, withdrawn",
        ),
        Event.RETENTION_SET: Text(
            "Aufbewahrung: Messwerte {readings_days} Tage, System-Log {system_log_days} Tage",
            "Retention: readings {readings_days} days, system log {system_log_days} days",
        ),
        Event.DATA_ERASED: Text(
            "Daten der Art {subject} gelöscht, weil ihre Frist oder ihr Vertrag zu Ende war",
            "Data of kind {subject} erased because their time or their contract was over",
        ),
        Event.WAKE_UP_ACCEPTED: Text("Weckruf angenommen", "Wake-up accepted"),
        Event.WAKE_UP_REFUSED: Text(
            "", "", "Weckruf abgelehnt: {reason}[ ({cause})]", "Wake-up refused: {reason}[ ({cause})]"
        ),
        Event.WAKE_UP_IGNORED: Text("Weckruf ohne Folge: {reason}", "Wake-up ignored: {reason}"),
        Event.TUNNEL_OPENED: Text(
            "Kanal zu {subject} geöffnet[ ({profile})]", "Tunnel to {subject} opened[ ({profile})]"
        ),
        Event.TUNNEL_ENDED: Text(
            "Kanal zu {subject} beendet: {reason}",
            "Tunnel to {subject} ended: {reason}",
            "Kanal zu {subject} abgebrochen: {reason}",
            "Tunnel to {subject} broke off: {reason}",
        ),
        Event.TUNNEL_FAILED: Text("", "", "Kein Kanal zu {subject}: {reason}", "No tunnel to {subject}: {reason}"),
        Event.ORDER_DONE: Text("Auftrag {sequence} ({subject}) ausgeführt", "Order {sequence} ({subject}) done"),
        Event.ORDER_REFUSED: Text(
            "",
            "",
            "Auftrag[ {sequence}] ({subject}) abgelehnt: {reason}",
            "Order[ {sequence}] ({subject}) refused: {reason}",
        ),
        Event.ADMINISTRATOR_REFUSED: Text(
            "", "", "Anfrage des Administrators abgelehnt: {reason}", "Request of the administrator refused: {reason}"
        ),
        Event.NOTIFICATION_SENT: Text(
            "Administrator benachrichtigt: {told}",
            "Administrator notified: {told}",
            "Benachrichtigung {told} nicht angenommen[: {reason}]",
            "Notification {told} not taken[: {reason}]",
        ),
        Event.KEYS_GENERATED: Text(
            "Schlüssel erzeugt, Generation {generation}", "Keys generated, generation {generation}"
        ),
        Event.CERTIFICATES_INSTALLED: Text(
            "Zertifikate eingespielt, Generation {generation}", "Certificates installed, generation {generation}"
        ),
        Event.KEYS_DESTROYED: Text(
            "Schlüssel vernichtet, Generation {generation}",
            "Keys destroyed, generation {generation}",
            "Schlüssel nicht vernichtet, Generation {generation}",
            "Keys not destroyed, generation {generation}",
        ),
        Event.REVOCATION_LISTS_INSTALLED: Text(
            "Sperrliste {number} von {subject} eingespielt, {revoked} gesperrt",
            "Revocation list {number} of {subject} installed, {revoked} revoked",
        ),
        Event.CLOCK_SYNCHRONISED: Text(
            "Uhrzeit verglichen",
            "Clock compared",
            "Uhrzeit nicht verglichen: {reason}",
            "Clock not compared: {reason}",
        ),
        Event.CLOCK_DEVIATION: Text(
            "",
            "",
            "Uhr weicht um {deviation_milliseconds} ms ab, erlaubt {tolerance_milliseconds} ms",
            "Clock deviates by {deviation_milliseconds} ms, allowed are {tolerance_milliseconds} ms",
        ),
        Event.CLOCK_SET: Text("Uhr gestellt von {before} auf {after}", "Clock set from {before} to {after}"),
        Event.CLOCK_JUMPED: Text(
            "",
            "",
            "Uhr des Geräts gesprungen ({direction}, mindestens {at_least_seconds} s)",
            "The machine's clock jumped ({direction}, at least {at_least_seconds} s)",
        ),
        Event.FIRMWARE_STORED: Text("Firmware {subject} gespeichert", "Firmware {subject} stored"),
        Event.FIRMWARE_REFUSED: Text(
            "", "", "Firmware abgelehnt ({package}): {reason}", "Firmware refused ({package}): {reason}"
        ),
        Event.FIRMWARE_ACTIVATED: Text("Firmware {subject} aktiviert", "Firmware {subject} activated"),
        Event.FIRMWARE_ROLLED_BACK: Text(
            "",
            "",
            "Zurück von Firmware {subject}[: {reason}]",
            "Rolled back from firmware {subject}[: {reason}]",
        ),
    }
)
"""Every event in both languages; a test holds it to that."""

_EXTENSION: Final = {Language.GERMAN: "Wiederholt ({count}): ", Language.ENGLISH: "Repeated ({count}): "}
OPTIONAL: Final = re.compile(r"\[([^\]]*)\]")
PLACEHOLDER: Final = re.compile(r"\{([a-z_]+)\}")
UNTOLD: Final = "-"
"""Stands for a parameter that was not told."""


def render(entry: Entry, language: Language) -> str:
    """The text of ``entry``."""
    parameters: dict[str, str | int] = entry.parameters
    if language is Language.GERMAN:
        parameters = {name: in_german(one) if name in TRANSLATED else one for name, one in parameters.items()}
    values = {**parameters, "subject": entry.subject, "user": entry.user}
    text = TEXTS.get(entry.event)
    if entry.parent_record_number is None:
        prefix, outcome = "", entry.outcome
    else:
        # The sub id of an extension is that of its parent, and says how that came out.
        prefix = _EXTENSION[language].replace("{count}", str(entry.repetition_counter))
        outcome = Outcome.SUCCESS if entry.event_sub_id == Outcome.SUCCESS else Outcome.FAILURE
    template = entry.event.value if text is None else text.template(language, outcome)
    return prefix + fill(template, values)


def fill(template: str, values: Mapping[str, str | int]) -> str:
    """``template`` with ``values``, each put in once."""

    def known(part: re.Match[str]) -> str:
        names = PLACEHOLDER.findall(part.group(1))
        return part.group(1) if all(values.get(name, "") != "" for name in names) else ""

    # Brackets are judged before anything is put in: a value may hold brackets and braces of its own.
    return PLACEHOLDER.sub(lambda name: str(values.get(name.group(1), UNTOLD)), OPTIONAL.sub(known, template))
