"""What other programs left, opened."""
