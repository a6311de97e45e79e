"""What the administrator may have done: one gate for its orders, one desk that serves it, and what it is told."""
