"""Many gateways on one machine: each answers wake-ups and takes orders with a gateway's real parts."""
