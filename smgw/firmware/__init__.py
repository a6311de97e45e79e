"""Firmware: what a package must prove, the two slots that programs lie in, and the orders about both."""
