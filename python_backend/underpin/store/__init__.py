"""Where objects are kept. Outside this room only `base` is seen."""
