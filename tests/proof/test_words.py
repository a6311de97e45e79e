from string import Formatter

import pytest

from pki.errors import CertificateReason
from proof.errors import IntegrityReason
from proof.events import Log
from proof.report import Fault, Open
from proof.words import Language, words

NEVER = {"not-pinned", "seal", "crl-older"}


@pytest.mark.parametrize("language", list(Language))
def test_every_finding_has_its_words(language: Language) -> None:
    known = words(language)
    for reason in (*CertificateReason, *Fault):
        assert reason.value in NEVER or known[f"reason.{reason.value}"]
    for reason in IntegrityReason:
        assert reason is IntegrityReason.COUNT or known[f"log.{reason}"]
    for each in Open:
        assert known[f"open.{each}"]
    for log in Log:
        assert known[f"log.name.{log}"]


def test_both_languages_say_the_same_with_the_same_parts() -> None:
    german, english = words(Language.GERMAN), words(Language.ENGLISH)
    assert german.keys() == english.keys()
    for name, text in german.items():
        parts = [{part[1] for part in Formatter().parse(each)} - {None} for each in (text, english[name])]
        assert parts[0] == parts[1], name
