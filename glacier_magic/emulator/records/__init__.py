"""What the store remembers, by the service's own terms: vaults, archives, uploads and jobs."""
