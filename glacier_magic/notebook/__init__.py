"""The notebook face: the magic, its words, its widgets, and JupyterLab's panel."""

MAGIC = "%glacier"
