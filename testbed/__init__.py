"""Simulators, the in-memory world of the tests, and the demonstration that starts every machine at once."""
