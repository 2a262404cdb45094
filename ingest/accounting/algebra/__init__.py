"""Pure counter algebra: readings become consumption per quarter hour, exactly, in whole quanta."""
