"""Who answers. Outside this room only `base` is seen."""
