"""Simulated meters: what their registers hold at a moment, and which reads they refuse. Pure."""
