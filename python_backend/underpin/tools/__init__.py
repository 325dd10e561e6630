"""What a run may use besides the model. Outside this room only `base` is seen."""
