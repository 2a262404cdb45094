"""The checks, a module per family. Each takes a `Day` and gives findings; pure."""
