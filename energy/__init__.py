"""The vocabulary that every other package speaks; it imports none of them.

Importing `energy` loads no database driver and no numpy: a gateway box needs neither.
"""
