"""A simulated IEC 62056-21 meter: timing, parity, addresses, profile memory and faults of a real one on any line."""
