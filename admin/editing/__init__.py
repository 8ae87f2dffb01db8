"""The editor of policy documents: a draft's text, as a form and as YAML."""

from admin.editing.view import EditorView

__all__ = ["EditorView"]
