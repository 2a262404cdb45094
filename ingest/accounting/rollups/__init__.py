"""Consumption per hour, day and month of each point."""
