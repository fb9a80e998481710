"""Bytes in and out: parts, workers, progress, and going on after an interruption."""
