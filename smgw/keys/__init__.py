"""The gateway's own keys: which generation is in use, how the next one comes, and what happens when the power goes."""
