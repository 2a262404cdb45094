"""Checks of what was derived, and what they found; they mark, they never change an amount."""
