"""Plans that list the members of an archive from a small part of it."""
