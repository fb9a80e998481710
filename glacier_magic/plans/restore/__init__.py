"""Plans that get archives, or parts of archives, back."""
