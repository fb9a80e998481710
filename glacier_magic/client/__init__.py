"""The Python interface: connections, sessions and vaults."""
