"""The report: one page of verdicts, figures and things to move, that needs no other file."""
