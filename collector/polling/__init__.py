"""When which meter is asked: ticks on the clock, turns on a shared line, rest for the sick."""
