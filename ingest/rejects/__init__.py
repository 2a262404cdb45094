"""What was refused: kept with its payload and the reason, bounded by age and size, listed, and replayed when its cause
is mended.
"""
