"""Trust that every machine shares: tokens, certificates, content protection, tunnels, and the SM-PKI that issues."""
