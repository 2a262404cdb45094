"""The life of an alert: a pure state machine, what it remembers, its history and evidence."""
