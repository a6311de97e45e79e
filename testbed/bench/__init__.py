"""Measurements: every figure is a ratio within one run, because absolute times belong to one machine on one day."""
