"""Records of what was requested and done: uploads, downloads, jobs, plans, drops."""
