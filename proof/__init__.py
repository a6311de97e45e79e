"""Proof without trust: inner signatures and the chain of a log, checked with an export and a root certificate alone."""
