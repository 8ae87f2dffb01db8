"""What the sealed audit trail proves: that nobody touched it (`verifying`), that an entry is in it (`proving`); and
what it says, in order (`trail`). See docs/evidence.md."""
