"""What the readings of a meter come to under a rule: pure functions over original value lists, a file a family."""
