"""Simulated devices that speak WebConnect: JSON calls at /dyn, with a session from login to logout."""
