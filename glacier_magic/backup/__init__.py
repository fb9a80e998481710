"""What a backup of folders takes, and which of its snapshots are kept."""
