"""Units, hashes, ranges, names, files and rendering: what every room uses."""
