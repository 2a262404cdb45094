"""Sparkplug B edge nodes (version 3.0 of the specification), listened to as a consumer of a plant's network."""
