from smgw.metering.tariffs.errors import TariffError, TariffReason


def test_a_refusal_says_its_reason_and_its_sentence() -> None:
    error = TariffError(TariffReason.NO_READINGS, "nothing there")
    assert (error.reason, str(error)) == (TariffReason.NO_READINGS, "nothing there")
