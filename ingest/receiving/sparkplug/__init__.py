"""The way in for Sparkplug B edge nodes: a host application (Sparkplug 3.0) that turns mapped metrics into readings."""
