"""Duban's server: the interpreter, the store, and what requests, ticks and commands do."""
