"""The HTTP API under /api/v1/: jobs in as raw bytes to core's validator, errors out as problem+json."""
