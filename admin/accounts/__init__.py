"""Accounts in the panel: one's own, those of others, links for new passwords, roles with their permissions."""
