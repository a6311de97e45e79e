"""Every configuration of the scene is one that its machine takes, and nothing listens beyond this machine."""

from pathlib import Path

from admin.config import Configuration as AdministratorConfiguration
from datacenter import config as datacenter_config
from smgw.config import Configuration
from testbed.demo.scene import softhsm_module
from testbed.demo.templates import ADMINISTRATOR, DATACENTER, GATEWAY, LINE, PAGE


def test_the_gateways(tmp_path: Path) -> None:
    text = GATEWAY.format(id="ESMG0000000001", module=softhsm_module(), wake_up=4059)
    text += PAGE.format(page=8443)
    text += LINE.format(name="rs485", port="/dev/null", speed=9600, echo="true")
    told = Configuration.parse(text, base=tmp_path)
    assert (told.gateway.text, told.lines[0].echo) == ("ESMG0000000001", True)
    assert told.han is not None
    assert ([str(one) for one in told.han.addresses], told.han.port) == (["127.0.0.1"], 8443)
    assert (told.wake_up.host, told.administrator) == ("127.0.0.1", tmp_path / "administrator.cms")


def test_the_administrators(tmp_path: Path) -> None:
    text = ADMINISTRATOR.format(name="Messstelle", module=softhsm_module(), management=1, service=2)
    told = AdministratorConfiguration.parse(text, base=tmp_path)
    assert {told.management.host, told.service.host} == {"127.0.0.1"}
    assert told.authority is not None
    assert told.authority.folder == tmp_path / "../pki"


def test_a_datacenters(tmp_path: Path) -> None:
    file = tmp_path / "datacenter.toml"
    file.write_text(DATACENTER.format(name="Netz", port=1))
    for name in ("TLS.key", "ENC.key"):
        (tmp_path / name).touch(mode=0o600)
    assert datacenter_config.load(file).gateways == tmp_path / "gateways"
    assert 'host = "127.0.0.1"' in DATACENTER
