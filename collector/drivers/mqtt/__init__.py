"""Meters whose readings come over a plant's MQTT broker: topics mapped to points; `sparkplug` shares the way there."""
