"""The composition root: the command line, the embedded stack, the demo and everything else that runs the parts.

It may import every package of ours; nothing of ours imports it.
"""
