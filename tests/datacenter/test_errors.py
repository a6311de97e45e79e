"""A refusal names its reason and nothing of the sender's."""

from datacenter.errors import DatacenterError, RefusalReason, RefusedError


def test_refusal() -> None:
    refused = RefusedError(RefusalReason.TUNNEL_CERTIFICATE, "expired", gateway="EABC0012345678")
    assert str(refused) == "tunnel-certificate expired"
    assert isinstance(refused, DatacenterError)
    assert not refused.recorded


def test_reasons_fit_their_column() -> None:
    assert all(len(reason.value) <= 32 for reason in RefusalReason)
