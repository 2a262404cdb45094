"""What was refused: kept with its payload, bounded by age and size, listed, replayed when its cause is mended."""
