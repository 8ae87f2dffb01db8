"""The admin panel: views, templates, translations."""
