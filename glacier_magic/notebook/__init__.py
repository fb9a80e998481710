"""The notebook face: the magic, its words, and its widgets."""
