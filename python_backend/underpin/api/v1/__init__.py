"""The Assistants API under /v1: one more view of the same threads, runs and log. It has no engine of its own."""
