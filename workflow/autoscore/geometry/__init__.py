"""The shape of a reconstruction field, measured: statements P1 and C2 to C5."""
