"""Records of requests and their outcomes: uploads, downloads, jobs, plans, drops."""
