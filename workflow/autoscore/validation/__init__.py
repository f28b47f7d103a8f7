"""What a schema cannot say of a configuration; each mistake a line with key, value, remedy."""
