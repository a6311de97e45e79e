"""The gateway administrator (Gateway-Administrator, GWA): inventory, profiles, orders, wake-ups, an audit log."""
