"""Polls as they happened, written down so that simulated meters can replay them."""
