"""python -m sma_exporter."""

from .cli import main

main()
