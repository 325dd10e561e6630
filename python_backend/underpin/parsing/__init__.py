"""What an uploaded file says, as text that keeps its structure. Files are hostile: they are read in a child process."""
