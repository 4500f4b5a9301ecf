"""From readings to the exposition."""
