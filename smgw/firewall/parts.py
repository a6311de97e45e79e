"""How a gateway gets its firewall, and how the same rules are shown or applied without one that runs.

Decides whose connections may leave: those of the user to whom the store belongs, which is the gateway's. Where the
configuration names no interfaces there is no firewall, and the status says so; nothing else turns one off
(FMT_MSA.3/FW: what is not said is closed).
"""

from collections.abc import Callable
from datetime import datetime

from smgw.config import Configuration, ConfigurationError
from smgw.firewall.apply import PacketFilter
from smgw.firewall.openings import openings
from smgw.firewall.render import render
from smgw.firewall.rights import keep_rights
from smgw.firewall.watch import Firewall, FirewallPorts
from smgw.secure_states import Conditions
from smgw.store.logs import SystemLog
from smgw.store.profiles import ProfileSet


def open_firewall(
    configuration: Configuration,
    *,
    profiles: Callable[[], ProfileSet],
    clock: Callable[[], datetime],
    log: SystemLog,
    conditions: Conditions,
    kernel: PacketFilter | None = None,
) -> Firewall | None:
    """The firewall, applied and not watched yet, or None where none is configured. Raises FirewallError.

    To be called by the thread that will make all others, before it makes one that starts programs.
    """
    keep_rights()
    if configuration.firewall is None:
        return None
    firewall = Firewall(
        FirewallPorts(
            settings=configuration.firewall,
            wake_up=configuration.wake_up,
            user=user_of(configuration),
            kernel=PacketFilter() if kernel is None else kernel,
            profiles=profiles,
            clock=clock,
            log=log,
            conditions=conditions,
        )
    )
    firewall.open()
    return firewall


def rules_of(configuration: Configuration, profiles: ProfileSet, at: datetime) -> str:
    """The rule set that a gateway of this configuration applies at ``at``. Raises ConfigurationError without one."""
    if configuration.firewall is None:
        raise ConfigurationError("firewall is missing: the gateway manages none")
    opened = openings(profiles, at)
    return render(configuration.firewall, configuration.wake_up, opened, user=user_of(configuration))


def user_of(configuration: Configuration) -> int:
    """The number of the user as whom the gateway runs. Raises ConfigurationError where it has no store yet."""
    try:
        return configuration.store.stat().st_uid
    except OSError as error:
        raise ConfigurationError(f"store.folder {configuration.store}: {error.strerror}") from error
