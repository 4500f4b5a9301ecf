"""Simulated devices that speak ennexOS: JSON at /api/v1, with a token from login to logout."""
