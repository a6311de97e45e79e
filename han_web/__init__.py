"""The consumer's page in the home area network, and what her tools ask; ``smgw.han`` hands it all that it shows."""
