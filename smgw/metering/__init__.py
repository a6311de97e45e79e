"""From what a meter says to what the gateway believes."""
