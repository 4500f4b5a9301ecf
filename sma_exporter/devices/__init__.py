"""The configured devices."""
