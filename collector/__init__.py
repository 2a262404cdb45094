"""The edge: meter profiles, request planner, Modbus lines, poll schedule, spool on disk, uplink.

It imports `energy` and nothing else of ours, and runs with the base dependencies alone: no database driver, no numpy.
"""
