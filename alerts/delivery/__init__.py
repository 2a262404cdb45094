"""Alertmanager: what it is told, and told again until it has it."""
