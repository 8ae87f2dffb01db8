"""For whoever runs the server: the queue, health, channels, kept deliveries, tokens, sources."""
