"""Simulated meters, gateways and cities: real consumption turned into registers on real protocols.

May import `energy` and the collector's meter profiles (`collector.profiles`, `collector.registers`), nothing else of
ours.
"""
