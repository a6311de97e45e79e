"""Protocols that meters speak on the local metrological network (LMN)."""
