"""Twins of smgw/store, and what they share."""
