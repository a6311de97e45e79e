from smgw.firmware.errors import FirmwareReason, FirmwareRefusedError


def test_a_refusal_has_a_reason_for_programs_and_a_sentence_for_people() -> None:
    refusal = FirmwareRefusedError(FirmwareReason.VERSION, "version 1.0 is not later than 1.1")
    assert (refusal.reason, refusal.sentence, str(refusal)) == (
        FirmwareReason.VERSION,
        "version 1.0 is not later than 1.1",
        "version 1.0 is not later than 1.1",
    )


def test_reasons_are_words() -> None:
    assert all(reason.value.replace("-", "").isalpha() and reason.value.islower() for reason in FirmwareReason)
