from smgw.metering.errors import VerificationError, VerificationReason
from wire.obis import Obis


def test_a_refusal_names_the_register() -> None:
    assert str(VerificationError(VerificationReason.WRONG_UNIT, Obis.parse("1-0:1.8.0"))) == "wrong-unit 1-0:1.8.0*255"
    assert str(VerificationError(VerificationReason.METER_FATAL)) == "meter-fatal"
