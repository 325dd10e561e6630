"""A run: claimed, looped, recorded, ended."""
