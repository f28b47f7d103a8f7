"""Files that are whole or absent, records of what made them, and tables that users bring."""
