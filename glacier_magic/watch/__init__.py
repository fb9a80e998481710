"""The watcher, which goes on with what is open when no notebook does."""
