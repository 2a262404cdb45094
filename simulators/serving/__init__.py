"""From bytes to a meter and back: framings, the line that meters hang on, TCP ports and pseudo-terminals."""
