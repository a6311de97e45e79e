"""The gateway: reads meters, checks, stores encrypted, and lets access profiles decide who gets what (SMGW)."""
