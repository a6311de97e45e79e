"""A bill, calculated once more from files: the lists of a gateway and the tariff of a supplier (VDE AR 2418-6, TAF-7).

Needs no gateway, no token and no store: consumers and suppliers can check one another with it.
"""
