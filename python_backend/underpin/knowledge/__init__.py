"""Documents: read, cut into passages, searched by words."""
