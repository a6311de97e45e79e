"""Who may have which reading, and when it is sent: pure functions of readings, profiles and time, default deny."""
