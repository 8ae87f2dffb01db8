"""The server is killed while it works, again and again; afterwards nothing is lost, twice or early.

`make faults` runs it for long, tests/faults/test_killing.py for a minute (CONTRIBUTING, "Faults").
"""
