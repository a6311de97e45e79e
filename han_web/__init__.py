"""The page of the consumer in the home area network, and what her tools ask: whatever it shows, ``smgw.han`` hands it."""
