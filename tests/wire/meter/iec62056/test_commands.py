"""How reading commands are spelled, against published sessions."""

from wire.meter.iec62056.commands import profile_command, register_command


def test_registers_as_in_the_published_sessions() -> None:
    assert register_command("0.9.2").to_bytes() == bytes.fromhex("01523502302e392e322829035c")
    assert register_command("1.8.0", name="R1").to_bytes() == bytes.fromhex("01523102312e382e302829035a")


def test_windows_of_a_load_profile() -> None:
    assert profile_command("P.01").data == b"P.01(;)"
    window = profile_command("P.01", "0260101000000", "0260102000000", partial_blocks=True)
    assert (window.name, window.data) == ("R6", b"P.01(0260101000000;0260102000000)")
