"""Trying a draft in the panel: its examples, made-up issues, what it would change."""
