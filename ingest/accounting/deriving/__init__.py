"""What is dirty, which worker derives it, and the step that does."""
