"""Steps that bring an older database up to date, in numeric order (see `server.store.migrating`)."""
