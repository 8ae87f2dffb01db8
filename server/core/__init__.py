"""The interpreter. Pure: values in, values out; the moment it is now is an argument."""
