"""Every refusal of ``pki`` has one base, a reason and a sentence."""

from enum import Enum

import pytest

from pki import errors

CLASSES = [
    (errors.CertificateError, errors.CertificateReason),
    (errors.SealError, errors.SealReason),
    (errors.TokenError, errors.TokenReason),
    (errors.TunnelError, errors.TunnelReason),
    (errors.IssueError, errors.IssueReason),
]


@pytest.mark.parametrize(("kind", "reasons"), CLASSES)
def test_reason_and_sentence(kind: type[errors.TrustError], reasons: type[Enum]) -> None:
    for reason in reasons:
        error = kind(reason, "what to do")
        assert isinstance(error, errors.TrustError)
        assert (error.reason, str(error)) == (reason, "what to do")  # type: ignore[attr-defined]


def test_reasons_are_words_for_logs_and_no_two_are_alike() -> None:
    for _, reasons in CLASSES:
        values = [reason.value for reason in reasons]
        assert len(set(values)) == len(values)
        assert all(value == value.lower() and " " not in value for value in values)
