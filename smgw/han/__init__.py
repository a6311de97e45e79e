"""What the consumer is served in the home area network."""
