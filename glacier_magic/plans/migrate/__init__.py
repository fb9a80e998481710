"""The plans to move archives to S3."""
