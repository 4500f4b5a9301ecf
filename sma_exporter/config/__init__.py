"""What file, flags and environment may say."""
