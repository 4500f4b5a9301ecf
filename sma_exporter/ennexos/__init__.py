"""SMA devices with ennexOS: JSON over HTTP at /api/v1. It knows nothing of Prometheus."""
