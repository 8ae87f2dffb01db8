"""The queue, its tasks and the worker process."""
