"""What was uploaded: objects and their bytes, kept together, so that nobody ever sees the one without the other."""
