"""What all SMA devices have in common, whatever they speak."""
