"""What runs say, appended once; every stream is this log being followed."""
