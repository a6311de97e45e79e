"""Meters on the local metrological network: ports, read-outs, parsed telegrams and one thread per line."""
