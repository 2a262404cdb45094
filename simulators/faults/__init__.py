"""Misbehaviour on purpose: what can go wrong, when it does, and a list of what was done."""
