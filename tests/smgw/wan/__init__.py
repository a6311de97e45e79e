"""Twins of smgw/wan, and the receiver that they deliver to."""
