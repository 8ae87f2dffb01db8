"""HTTP for integrators: thin routes."""
