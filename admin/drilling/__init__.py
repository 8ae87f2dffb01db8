"""Drills in the panel: a script is chosen or written, played, and its report read."""
