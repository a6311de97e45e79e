"""What the gateway keeps: readings, grants, deliveries, profiles and its system log, in one encrypted database."""
