"""Migrations of open issues in the panel: looked at issue by issue, proposed, approved by somebody else, followed."""
