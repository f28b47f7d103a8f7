"""Score estimates against the exact score: the stage `score`."""
