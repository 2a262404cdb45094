"""What is accepted: many readings at once, as columns against the registered points."""
