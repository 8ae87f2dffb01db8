"""Drafts of policy documents in the panel: begun, handed in, approved, turned down, scheduled, rolled back, rebased."""
