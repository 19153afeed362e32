"""The published systems, end to end."""
