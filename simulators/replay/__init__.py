"""Recorded polls as devices: the same requests get the same answers, in the same order, after the same time."""
