"""Rules before they are trusted: unit tests of rules, back-tests on stored history, what-ifs."""
