"""The way in over a broker: a shared subscription of MQTT 5, acknowledged after the commit."""
