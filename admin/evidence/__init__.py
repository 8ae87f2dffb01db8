"""For auditors: the audit trail, the evidence of an issue, who changed what, and exports. Nothing is changed here."""
