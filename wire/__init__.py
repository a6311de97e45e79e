"""The cables between the machines: every format as bytes <-> frozen dataclasses.

Nothing here does IO or owns a clock: no socket, serial line, database, log or token. A receiver in this package
yields, raises its own error, or wants more; corrupt input is never reported as incomplete.
"""
