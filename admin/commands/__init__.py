"""The commands of ``smgw-admin``, one file for each group of them."""
