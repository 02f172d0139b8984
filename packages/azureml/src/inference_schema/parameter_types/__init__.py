"""Parameter types under their old module names."""
