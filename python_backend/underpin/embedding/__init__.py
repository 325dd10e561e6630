"""Text into vectors: with the model that comes along, or by the configured upstream."""
