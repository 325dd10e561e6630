"""The nouns, as they are stored and as they are sent. Nothing here does I/O or knows who reads it."""
