"""The command line on a real datacenter's files: what it prints, what it refuses, what it leaves behind."""

import json
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from datacenter import schema
from datacenter.__main__ import EXIT_DATABASE, EXIT_FAILED, EXIT_SIGNATURE, main
from tests.datacenter.world import GATEWAY, RASTER, World
from tests.wire.documents import PSEUDONYM, pseudonymous

STARTED = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


@pytest.fixture
def filled(make_world: Callable[..., World]) -> Iterator[World]:
    world = make_world(now=STARTED, certified=timedelta(days=1))
    world.configuration(8443)
    ingest = world.ingest()
    for sequence, until in ((1, STARTED - RASTER * 20), (3, STARTED)):
        world.deliver(ingest, world.seal(world.gateway.content(sequence, count=4, until=until)))
    yield world
    world.close()


def called(world: World, *arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(main, [*arguments, "--config", str(world.folder / "datacenter.toml")])
    assert result.exit_code == code, result.output
    return result


def spoil(world: World) -> None:
    with world.engine.begin() as connection:
        connection.execute(sa.update(schema.reading).values(value=schema.reading.c.value + 1))


def test_readings(filled: World) -> None:
    lines = called(filled, "readings", "--limit", "3").stdout.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith(f"{GATEWAY} 1ISK0012345678 1-0:1.8.0*255")
    rows = [json.loads(line) for line in called(filled, "readings", "--json", "--verify").stdout.splitlines()]
    assert len(rows) == 8
    assert rows[-1]["captured_at"] == f"{STARTED:%Y-%m-%dT%H:%M:%SZ}"
    since = called(filled, "readings", "--since", f"{STARTED:%Y-%m-%dT%H:%M:%SZ}", "--gateway", GATEWAY).stdout
    assert len(since.splitlines()) == 1


def test_gaps(filled: World) -> None:
    rows = [json.loads(line) for line in called(filled, "gaps", "--json").stdout.splitlines()]
    assert (rows[0]["kind"], rows[0]["first"], rows[0]["count"]) == ("sequence", 2, 1)
    assert [row["count"] for row in rows if row["kind"] == "raster"] == [16]
    assert "1 deliveries missing, 2..2" in called(filled, "gaps", "--gateway", GATEWAY).stdout


def test_export_and_verify(filled: World) -> None:
    target = filled.folder / "out.csv"
    called(filled, "export", str(target))
    assert len(target.read_text().splitlines()) == 9
    assert target.stat().st_mode & 0o077 == 0
    assert "8 hold, 0 fail" in called(filled, "verify").stdout
    assert len(called(filled, "export", "-", "--limit", "2").stdout.splitlines()) == 3


def test_pseudonymous_readings_are_told_apart_and_never_called_verified(filled: World) -> None:
    administrator = filled.add_administrator()
    body = filled.seal(pseudonymous(filled.gateway.content(count=3, until=STARTED)), signer=administrator.signature)
    filled.deliver(filled.ingest(), body, tunnel=administrator.tunnel, at=STARTED)
    filled.configuration(8443)
    assert "8 hold, 0 fail, 3 pseudonymous, not signed and not verified" in called(filled, "verify").stdout
    shown = called(filled, "readings", "--gateway", PSEUDONYM.text).stdout.splitlines()
    assert len(shown) == 3
    assert all(line.endswith("(pseudonymous, not signed)") for line in shown)
    exported = called(filled, "export", str(filled.folder / "out.csv"))
    assert "11 readings, 8 inner signatures hold, 3 pseudonymous" in exported.stderr
    spoil(filled)
    called(filled, "verify", code=EXIT_SIGNATURE)


def test_a_failed_export_leaves_no_file(filled: World) -> None:
    before = set(filled.folder.iterdir())
    spoil(filled)
    called(filled, "export", str(filled.folder / "out.csv"), code=EXIT_SIGNATURE)
    assert {path for path in set(filled.folder.iterdir()) - before if "datacenter.db" not in path.name} == set()
    assert "0 hold, 8 fail" in called(filled, "verify", code=EXIT_SIGNATURE).stdout
    called(filled, "readings", "--verify", code=EXIT_SIGNATURE)
    called(filled, "readings")


def test_gateways(filled: World) -> None:
    filled.publish_crls(filled.gateway.tunnel.certificate)
    (row,) = [json.loads(line) for line in called(filled, "gateways", "--json").stdout.splitlines()]
    assert (row["gateway"], row["deliveries"], row["TLS"]) == (GATEWAY, 2, ["revoked"])
    assert row["SIG"][0].startswith("good until ")
    assert "TLS revoked SIG good until" in called(filled, "gateways").stdout


def test_administrators_are_listed_with_the_gateways(filled: World) -> None:
    filled.add_administrator()
    filled.configuration(8443)
    rows = [json.loads(line) for line in called(filled, "gateways", "--json").stdout.splitlines()]
    assert [(row["gateway"], row["role"], row["deliveries"]) for row in rows] == [
        (GATEWAY, "SMGW", 2),
        ("Admin", "GWA", 0),
    ]
    assert all(row[purpose][0].startswith("good until ") for row in rows for purpose in ("TLS", "SIG"))


def test_refusals(filled: World) -> None:
    assert called(filled, "refusals").stdout == ""


@pytest.mark.parametrize("option", [("--since", "yesterday"), ("--until", "2026-13-01"), ("--limit", "0")])
def test_wrong_command_lines(filled: World, option: tuple[str, str]) -> None:
    called(filled, "readings", *option, code=2)


def test_unusable_configuration_and_database(filled: World) -> None:
    path = filled.folder / "datacenter.toml"
    text = path.read_text()
    path.write_text(text.replace("[trust]", "[trusted]"))
    assert called(filled, "readings", code=EXIT_FAILED).stderr.startswith("Error: ")
    path.write_text(text + '[database]\nurl = "sqlite:///none/x.db"\n')
    assert "database" in called(filled, "readings", code=EXIT_DATABASE).stderr


@pytest.mark.parametrize(
    "command", [[], ["serve"], ["readings"], ["gaps"], ["export"], ["verify"], ["gateways"], ["refusals"]]
)
def test_every_help_has_an_example(command: list[str]) -> None:
    result = CliRunner().invoke(main, [*command, "--help"])
    assert result.exit_code == 0
    assert "Example: smgw-datacenter" in result.output


def test_serving_without_the_extra_says_what_to_install(filled: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datacenter.serve", None)
    monkeypatch.delattr("datacenter.serve", raising=False)
    assert "[datacenter]" in called(filled, "serve", code=1).output
