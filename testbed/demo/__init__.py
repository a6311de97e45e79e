"""The demonstration: every machine as a process of its own on this one, and what an onlooker can see of them."""
