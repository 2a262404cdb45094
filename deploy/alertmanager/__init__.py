"""What Alertmanager is configured with: a configuration to start from, and templates of messages in both languages."""
