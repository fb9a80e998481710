"""The databases that hold a catalogue, their schema, and backups of the file."""
