"""python -m sma_exporter."""

from .cli.main import main

main()
