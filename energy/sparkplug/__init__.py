"""Sparkplug B (version 3.0 of the specification): payloads, topics, and what is known of an edge node.

Shared by the collector, which listens in one plant's network, and by ingest, which is a host application.
"""
