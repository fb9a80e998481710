"""The archives of the catalogue: queries, conditions, inventories, changes."""
