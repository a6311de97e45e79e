"""The gateway's way out: sealing what is owed and delivering it."""
