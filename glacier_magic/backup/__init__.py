"""Which files a backup takes, and packing them on this computer."""
