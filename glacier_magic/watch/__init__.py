"""The watcher, which continues what is open when no notebook does."""
