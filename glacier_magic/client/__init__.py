"""What a user holds in Python: connections, sessions and vaults."""
