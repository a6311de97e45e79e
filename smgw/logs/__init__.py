"""The three logs as somebody reads, seals, exports and verifies them."""
