"""A kernel whose packet filter may be changed: that of a namespace, through the real ``nft``."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from smgw.firewall.apply import PROGRAM, PacketFilter
from tests.smgw.wan.namespaces import Machine, star


@pytest.fixture(scope="session")
def machine() -> Iterator[Machine]:
    if not PROGRAM.exists() or shutil.which("nsenter") is None:
        pytest.skip("nft is not installed (apt install nftables)")
    with star() as machines:
        yield machines[""]


@pytest.fixture
def switches(tmp_path: Path) -> Path:
    """What /proc/sys/net shows of a machine that is no router."""
    folder = tmp_path / "net"
    for name in ("ipv4/ip_forward", "ipv4/conf/all/forwarding", "ipv4/conf/wan/forwarding", "ipv6/conf/all/forwarding"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("0\n")
    return folder


@pytest.fixture
def kernel(machine: Machine, switches: Path, tmp_path: Path) -> Iterator[PacketFilter]:
    """The packet filter of the namespace, without any rule."""
    program = tmp_path / "nft"
    program.write_text(f'#!/bin/sh\nexec {" ".join(machine.command(PROGRAM))} "$@"\n')
    program.chmod(0o700)
    yield PacketFilter(program, switches)
    machine.run(PROGRAM, "flush", "ruleset")
