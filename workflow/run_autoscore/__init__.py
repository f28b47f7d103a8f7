"""What surrounds a run: checks before it, locks, checksums, the console, preloaded interpreters."""
