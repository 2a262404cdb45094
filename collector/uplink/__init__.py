"""The way up: which envelopes are sent when, over which platform address, and what comes back."""
