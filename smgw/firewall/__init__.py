"""The gateway's packet filter: what may pass between WAN, HAN, LMN and the gateway itself (PP-0073, Firewall SFP).

``openings.py`` says who may be reached, ``render.py`` writes the rule set, ``apply.py`` hands it to the kernel,
``watch.py`` keeps it standing, ``rights.py`` keeps the right to change it from every other program.
"""
