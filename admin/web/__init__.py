"""The administrator's console: pages for people, rendered here, over the same office as the command line."""
