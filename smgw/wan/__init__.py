"""The gateway's way out: delivering what is owed, being woken and administered, asking the time."""
