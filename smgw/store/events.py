"""The words of the logs, where the store has always had them; they are decided in ``proof.events``.

Whoever verifies an exported log has no gateway, and must read the same words.
"""

from proof.events import Event, Level, Log, Outcome

__all__ = ["Event", "Level", "Log", "Outcome"]
