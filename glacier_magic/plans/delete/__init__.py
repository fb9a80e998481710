"""Plans that delete archives and drop vaults."""
